from . import audio as audio
from . import datasets as datasets
from . import evaluation as evaluation
from . import features as features
from . import models as models
from . import reports as reports
from .errors import GenreclfError as GenreclfError
from .errors import RequestError as RequestError
from .errors import TrackError as TrackError
from .evaluation.benchmark import benchmark as benchmark
from .evaluation.comparison import Comparison as Comparison
from .evaluation.retrieval import retrieval as retrieval
from .evaluation.run_comparison import compare_runs as compare_runs
from .extraction import extract as extract
from .features import describe as describe
from .features import extract_features as extract_features
from .inspection import inspect_track as inspect_track
from .models.bundle.bundle import Bundle as Bundle
from .prediction import Predictor as Predictor
from .prediction import load as load
from .similarity.index import Index as Index
from .similarity.index import build_index as build_index
from .tables.table import FeatureTable as FeatureTable
from .training import train as train
from .transformer import AudioFeatures as AudioFeatures
from .verification import verify as verify

__version__: str
