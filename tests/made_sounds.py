"""Made-up sounds whose features are known, and sounds that are awkward to describe."""

from __future__ import annotations

import numpy as np

RATE = 22050


def sine(frequency: float, seconds: float = 3.0, *, rate: int = RATE, level: float = 0.3) -> np.ndarray:
    return (level * np.sin(2 * np.pi * frequency / rate * np.arange(int(seconds * rate)))).astype(np.float32)


def noise(seconds: float = 3.0, *, rate: int = RATE, seed: int = 0) -> np.ndarray:
    return (0.1 * np.random.default_rng(seed).standard_normal(int(seconds * rate))).astype(np.float32)


def clicks(tempo: float, seconds: float = 20.0, *, rate: int = RATE) -> np.ndarray:
    """Short bursts of noise, `tempo` a minute."""
    sound = np.zeros(int(seconds * rate), dtype=np.float32)
    burst = noise(0.01, rate=rate) * np.linspace(5, 0, int(0.01 * rate), dtype=np.float32)
    for beat in np.arange(0, seconds - 0.02, 60 / tempo):
        start = int(beat * rate)
        sound[start : start + len(burst)] += burst
    return sound


def music(seconds: float = 4.0, *, rate: int = RATE, seed: int = 0) -> np.ndarray:
    """A chord that changes each half second, over strokes of noise."""
    rng = np.random.default_rng(seed)
    length = int(0.5 * rate)
    parts = []
    for _ in range(int(seconds / 0.5)):
        chord = sum(sine(f, 0.5, rate=rate, level=0.1) for f in 110 * 2 ** (rng.integers(0, 48, 4) / 12))
        stroke = noise(0.5, rate=rate, seed=int(rng.integers(99))) * np.exp(-np.arange(length) / 900)
        parts.append(chord + stroke)
    return np.concatenate(parts).astype(np.float32)


AWKWARD = {
    "silence": np.zeros(RATE, dtype=np.float32),
    "constant": np.full(RATE, 0.4, dtype=np.float32),
    "a tenth of a second": noise(0.1),
    "one frame and a bit": noise(0.11, seed=1),
    "one impulse": np.eye(1, RATE, 9000, dtype=np.float32)[0],
    "clipped": np.clip(music(1.0) * 50, -1, 1),
    "offset": music(1.0) + np.float32(0.5),
    "silence, then sound": np.concatenate([np.zeros(RATE, dtype=np.float32), music(1.0)]),
    "sound, then silence": np.concatenate([music(1.0), np.zeros(10 * RATE, dtype=np.float32)]),
    "very soft": music(1.0) * np.float32(1e-12),
    "very loud": music(1.0) * np.float32(1e9),
    "alternating": np.tile(np.array([0.5, -0.5], dtype=np.float32), RATE // 2),
}
