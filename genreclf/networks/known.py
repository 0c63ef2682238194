"""The ledger: which networks are known by name, what each was trained on, and which corpora share their music.

Sources: Pons and Serra (2019), musicnn: Pre-trained Convolutional Neural Networks for Music Audio Tagging; Hershey and
others (2017), CNN Architectures for Large-Scale Audio Classification.
"""

from __future__ import annotations

from collections.abc import Mapping

from genreclf.networks.card import EMBEDDING, TAGS, Card, LogMel

_MSD_TAGS = (
    "rock", "pop", "alternative", "indie", "electronic", "female vocalists", "dance", "00s", "alternative rock", "jazz",
    "beautiful", "metal", "chillout", "male vocalists", "classic rock", "soul", "indie rock", "Mellow", "electronica",
    "80s", "folk", "90s", "chill", "instrumental", "punk", "oldies", "blues", "hard rock", "ambient", "acoustic",
    "experimental", "female vocalist", "guitar", "Hip-Hop", "70s", "party", "country", "easy listening", "sexy",
    "catchy", "funk", "electro", "heavy metal", "Progressive rock", "60s", "rnb", "indie pop", "sad", "House", "happy",
)  # fmt: skip
_MTT_TAGS = (
    "guitar", "classical", "slow", "techno", "strings", "drums", "electronic", "rock", "fast", "piano", "ambient",
    "beat", "violin", "vocal", "synth", "female", "indian", "opera", "male", "singing", "vocals", "no vocals",
    "harpsichord", "loud", "quiet", "flute", "woman", "male vocal", "no vocal", "pop", "soft", "sitar", "solo", "man",
    "classic", "choir", "voice", "new age", "dance", "male voice", "female vocal", "beats", "harp", "cello", "no voice",
    "weird", "country", "metal", "female voice", "choral",
)  # fmt: skip

_MUSICNN = LogMel(n_fft=512, hop_length=256, n_mels=96, frames=187, gain=10000.0, offset=1.0, base=10.0)
_PONS = "Pons and Serra (2019), musicnn: https://pypi.org/project/musicnn/0.1.0/"

MUSICNN_MSD = Card(
    name="musicnn:msd",
    title="musicnn, trained to predict the 50 most frequent tags of the Million Song Dataset",
    trained_on=("msd",),
    training="some 240,000 clips of the Million Song Dataset with tags of Last.fm listeners",
    licence="ISC",
    source=_PONS,
    sample_rate=16000,
    input=_MUSICNN,
    outputs={EMBEDDING: 200, TAGS: 50},
    tags=_MSD_TAGS,
)
MUSICNN_MTT = Card(
    name="musicnn:mtt",
    title="musicnn, trained to predict the 50 most frequent tags of MagnaTagATune",
    trained_on=("magnatagatune",),
    training="some 19,000 clips of MagnaTagATune, whose music is Magnatune's",
    licence="ISC",
    source=_PONS,
    sample_rate=16000,
    input=_MUSICNN,
    outputs={EMBEDDING: 200, TAGS: 50},
    tags=_MTT_TAGS,
    family="musicnn-mtt",
)
VGGISH = Card(
    name="vggish:audioset",
    title="VGGish, the network behind AudioSet's embeddings, whitened and quantised as they are",
    trained_on=("youtube-8m",),
    training="a preliminary version of YouTube-8M: soundtracks of millions of YouTube videos",
    licence="Apache-2.0",
    source="Hershey and others (2017): https://github.com/tensorflow/models/tree/master/research/audioset/vggish",
    sample_rate=16000,
    input=LogMel(
        n_fft=512,
        win_length=400,
        hop_length=160,
        n_mels=64,
        frames=96,
        fmin=125.0,
        fmax=7500.0,
        scale="htk",
        power=1,
        centred=False,
        offset=0.01,
    ),
    outputs={EMBEDDING: 128},
)

NETWORKS: Mapping[str, Card] = {card.name: card for card in (MUSICNN_MSD, MUSICNN_MTT, VGGISH)}
