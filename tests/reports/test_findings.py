import numpy as np
import pandas as pd
import pytest
from made_comparisons import known_comparison

from genreclf.evaluation.comparison import Comparison
from genreclf.reports.findings import findings


def texts(comparison: Comparison) -> dict[str, str]:
    return {finding.topic: finding.text for finding in findings(comparison)}


def test_the_best_model_is_named_with_its_interval_and_the_baseline():
    assert texts(known_comparison())["Best model"] == (
        "SVC scores highest, with a macro-F1 of 71.2 (95 % interval 65.4 to 76.1) under "
        "artist-disjoint cross-validation; the baseline 'most frequent genre' scores 17.0."
    )


def test_repeats_are_counted_with_their_spread():
    scores = known_comparison().scores.assign(repeats=[5, 5, 1, 1], macro_f1_sd=[0.013, 0.01, np.nan, np.nan])
    assert (
        "the mean of 5 repeats (standard deviation 1.3 points)"
        in (texts(known_comparison(scores=scores))["Best model"])
    )


def test_models_that_are_not_significantly_different_are_named():
    assert texts(known_comparison())["Significance"] == (
        "The best model may be any of SVC and Random forest; the others score significantly lower."
    )


def test_a_clear_winner_is_called_one():
    scores = known_comparison().scores.assign(
        tied_with_best=[True, False, False, False], p_value=[np.nan, 0.04, 0.01, 0]
    )
    text = texts(known_comparison(scores=scores))["Significance"]
    assert text == "SVC scores significantly higher than every other model (p ≤ 0.040 for each)."


def test_all_tied_is_texts():
    scores = known_comparison().scores.assign(tied_with_best=[True, True, True, False])
    assert texts(known_comparison(scores=scores))["Significance"] == (
        "The best model may be any of SVC, Random forest and Logistic regression; "
        "their differences are not significant."
    )


def test_a_much_quicker_model_that_is_as_good_is_pointed_out():
    assert "is fitted 40 times as fast (CPU time: 1.5 s instead of 60 s)" in texts(known_comparison())["Fit time"]


def leaking(leak: float, low: float, high: float) -> Comparison:
    frame = pd.DataFrame(
        {"model": ["rf", "svc"], "macro_f1_safe": [0.7, 0.712], "macro_f1_random": [0.8, 0.712 + leak]}
    )
    return known_comparison(leak=frame.assign(leak=[0.1, leak], leak_low=[0.05, low], leak_high=[0.15, high]))


@pytest.mark.parametrize(
    ("leak", "low", "high", "text"),
    [
        (0.058, 0.01, 0.1, "77.0 with random folds: leakage of 5.8 points (95 % interval 1.0 to 10.0)."),
        (0.01, -0.02, 0.04, "no significant leakage, +1.0 points (95 % interval \u22122.0 to 4.0)."),
        (-0.01, -0.04, 0.02, "no significant leakage, \u22121.0 points (95 % interval \u22124.0 to 2.0)."),
    ],
)
def test_leakage_has_its_sign_and_its_interval(leak, low, high, text):
    found = texts(leaking(leak, low, high))["Artist leakage"]
    assert found.startswith("SVC scores 71.2 with artist-disjoint folds and ")
    assert found.endswith(text)


def test_leakage_can_be_given_for_every_model():
    found = [f.text.split(" scores")[0] for f in findings(leaking(0.058, 0.01, 0.1), most=None) if "leakage" in f.text]
    assert found == ["SVC", "Random forest"]


def test_the_most_confused_pair_is_counted_both_ways():
    assert texts(known_comparison())["Confusion"] == (
        "SVC confuses jazz and folk most often: 4 of 10 jazz tracks (40 %) were classified as folk, "
        "and 1 of 10 folk tracks (10 %) was classified as jazz."
    )


def test_a_model_without_a_mistake_confuses_nothing():
    predictions = known_comparison().predictions
    perfect = known_comparison(predictions=predictions.assign(svc=predictions["genre"]))
    assert texts(perfect)["Confusion"] == "SVC classified every track correctly."


def test_nothing_is_said_of_what_is_not_there():
    comparison = known_comparison(scores=known_comparison().scores.drop(columns=["tied_with_best", "fit_seconds"]))
    assert set(texts(comparison)) == {"Best model", "Confusion"}
