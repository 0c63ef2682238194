"""The families gauss and mscat: against a plain composition, and in what they must and must not notice."""

import numpy as np
import pytest
from made_sounds import RATE, music, noise, sine

from genreclf import audio
from genreclf.features import FEATURE_SETS, Spectra, describe, describe_plainly, gauss, kernels, mfcc, mscat
from genreclf.features.spectra import mel_bands
from genreclf.tables.columns import family_of


def modulation(row):
    """(9, 40), the shares of the nine speeds in each band."""
    values = [value for name, value in row.items() if name.startswith("mscat_mod")]
    return np.array(values).reshape(mscat.N_FILTERS, mscat.N_BANDS)


def test_the_set_is_the_study_with_two_families():
    chosen = FEATURE_SETS["texture"]
    assert len(chosen.columns) == 856
    assert chosen.columns[:185] == FEATURE_SETS["study"].columns
    assert {name: len(columns) for name, columns in chosen.families.items()} == {
        "mfcc": 140, "tonnetz": 42, "tempo": 1, "power": 2, "gauss": 231, "mscat": 440,
    }  # fmt: skip
    assert chosen.columns[185] == "gauss_log_001"
    assert chosen.columns[-1] == "mscat_mod8_40"
    assert {family_of(column) for column in chosen.columns} == set(chosen.families)


def test_the_rows_of_the_set_begin_with_those_of_the_study():
    sound = music(2.0)
    row = describe(sound, RATE, feature_set="texture")
    assert dict(list(row.items())[:185]) == describe(sound, RATE, feature_set="study")


@pytest.mark.parametrize("sound", [music(), music(3.0, seed=5), noise(1.0), noise(0.1), sine(440, 0.5)])
def test_values_are_those_of_the_plain_composition(sound):
    own = describe(sound, RATE, feature_set="gauss+mscat")
    assert own == pytest.approx(describe_plainly(sound, RATE, feature_set="gauss+mscat"), rel=1e-3, abs=1e-3)


@pytest.mark.realdata
def test_values_of_real_music_are_those_of_the_plain_composition(shared_data):
    own, plain = [], []
    for path in sorted((shared_data / "emotify200").rglob("*.mp3"))[::25]:
        samples, rate = audio.load(path, offset=0.0)
        own.append(list(describe(samples, rate, feature_set="gauss+mscat").values()))
        plain.append(list(describe_plainly(samples, rate, feature_set="gauss+mscat").values()))
    spread = np.std(plain, axis=0)
    assert (np.abs(np.subtract(own, plain)).max(axis=0) / spread).max() < 2e-4


def test_louder_by_six_decibels_moves_the_levels_and_the_first_mean_alone():
    soft, loud = (music() * np.float32(gain) for gain in (0.25, 0.5))
    levels = mscat.describe(Spectra(loud, RATE)) - mscat.describe(Spectra(soft, RATE))
    np.testing.assert_allclose(levels[:80], np.log(2), atol=0.01)
    np.testing.assert_allclose(levels[80:], 0, atol=0.04)
    series = mfcc.series(Spectra(soft, RATE)).astype(np.float64)
    series[0] += 20 * np.log10(2) * np.sqrt(128)
    expected = gauss.log_gaussian(series / np.array(gauss.SCALES)[:, None])
    np.testing.assert_allclose(gauss.describe(Spectra(loud, RATE)), expected, atol=1e-3)


def test_a_shift_by_one_hop_is_hardly_noticed():
    sound = np.pad(music(3.0), 8192)
    here, later = (describe(np.roll(sound, by), RATE, feature_set="gauss+mscat") for by in (0, 512))
    assert later == pytest.approx(here, abs=0.005)


def test_stereo_is_folded():
    left, right = music(1.0), music(1.0, seed=2)
    folded = describe((left + right) / 2, RATE, feature_set="texture")
    assert describe(np.stack([left, right]), RATE, feature_set="texture") == pytest.approx(folded, rel=1e-4, abs=1e-4)


@pytest.mark.parametrize(("speed", "octave"), [(60, 0), (15, 2), (4, 4), (1, 6)])
def test_a_modulated_tone_peaks_in_the_filter_around_its_speed(speed, octave):
    carrier = sine(1000, 12.0)
    swelling = 1 + 0.8 * np.sin(2 * np.pi * speed * np.arange(len(carrier)) / RATE)
    sound = (0.5 * carrier * swelling).astype(np.float32)
    band = np.argmax(mscat.amplitudes(sound, RATE).mean(axis=1))
    shares = modulation(describe(sound, RATE, feature_set="mscat"))[:, band]
    assert shares.argmax() == octave
    assert shares[octave] > np.log(0.1)


def test_a_steady_tone_is_not_modulated():
    shares = modulation(describe(sine(1000, 8.0), RATE, feature_set="mscat"))
    band = np.argmax(mscat.amplitudes(sine(1000, 8.0), RATE).mean(axis=1))
    assert (shares[1:6, band] < np.log(0.05)).all()


@pytest.mark.parametrize("between", [0, 1, 7])
def test_a_mean_envelope_is_that_of_all_points_though_only_some_are_given(between):
    rng = np.random.default_rng(between)
    points, step = 160, between + 1
    spectrum = np.zeros((3, points * step), dtype=complex)
    for first, bins in ((0, 32), (-32, 32)):  # a fifth of the rate of the given points on either side
        spectrum[:, first : first + bins or None] = rng.standard_normal((3, bins, 2)) @ (1, 1j)
    series = np.fft.ifft(spectrum).astype(np.complex64)
    found = mscat.mean_envelope(np.ascontiguousarray(series[:, ::step]), between=between)
    np.testing.assert_allclose(found, np.abs(series).mean(axis=1), rtol=1e-4)


def test_the_gaussian_of_two_halves_that_are_alike_is_that_of_the_whole():
    series = np.random.default_rng(0).standard_normal((20, 600))
    whole = gauss.log_gaussian(np.concatenate([series, series], axis=1))
    np.testing.assert_allclose(whole, gauss.log_gaussian(series), atol=2e-3)


def test_the_distance_of_gaussians_is_that_of_their_logarithms():
    from scipy.linalg import logm

    rng = np.random.default_rng(0)
    logarithms, vectors = [], []
    for _ in range(2):
        series = rng.standard_normal((3, 50)) * rng.random((3, 1)) + rng.standard_normal((3, 1))
        mean = series.mean(axis=1)
        matrix = np.block([[np.cov(series) + np.outer(mean, mean), mean[:, None]], [mean[None], np.ones((1, 1))]])
        logarithms.append(logm(matrix + 0.01 * np.eye(4)))
        vectors.append(gauss.log_gaussian(series))
    assert np.linalg.norm(vectors[0] - vectors[1]) == pytest.approx(np.linalg.norm(logarithms[0] - logarithms[1]))


@pytest.mark.parametrize("sound", [np.zeros(RATE), np.zeros(2205), np.full(RATE, 0.3), np.eye(1, 4000)[0], noise(0.1)])
def test_silence_constants_impulses_and_the_shortest_clips_have_finite_values(sound):
    row = describe(sound, RATE, feature_set="texture")
    assert np.isfinite(list(row.values())).all()


def test_silence_has_the_values_that_the_floors_give():
    row = describe(np.zeros(RATE), RATE, feature_set="mscat")
    assert {round(value, 6) for value in row.values()} == {round(np.log(1e-5), 6), round(np.log(0.1), 6)}


def test_amplitudes_are_the_roots_of_librosas_bands():
    import librosa

    sound = music(1.0)
    mel = librosa.feature.melspectrogram(y=sound, sr=RATE, n_fft=512, hop_length=128, n_mels=40, pad_mode="constant")
    found = mscat.amplitudes(sound, RATE)
    assert found.shape == (40, mel.shape[1] // 8 * 8)
    np.testing.assert_allclose(found, np.sqrt(mel[:, : found.shape[1]]), rtol=1e-3, atol=1e-5)


def test_band_amplitudes_are_those_of_numpy():
    rng = np.random.default_rng(0)
    spectra = rng.standard_normal((2 * 257, 16)).astype(np.float32)
    first, start, weights = mel_bands(RATE, n_fft=512, n_mels=40)
    bank = np.zeros((40, 257))
    for m in range(40):
        bank[m, first[m] : first[m] + start[m + 1] - start[m]] = weights[start[m] : start[m + 1]]
    found = np.zeros((40, 20), dtype=np.float32)
    kernels.write_band_amplitudes(spectra, first, start, weights, found, 2)
    np.testing.assert_allclose(found[:, 2:18], np.sqrt(bank @ (spectra[:257] ** 2 + spectra[257:] ** 2)), rtol=1e-5)
    assert not found[:, [0, 1, 18, 19]].any()
