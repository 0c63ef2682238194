import numpy as np
import pandas as pd
import pytest
from made_comparisons import known_comparison

from genreclf.evaluation.comparison import Comparison
from genreclf.reports.findings import findings


def said(comparison: Comparison) -> dict[str, str]:
    return {finding.topic: finding.text for finding in findings(comparison)}


def test_the_best_model_is_named_with_its_interval_and_the_baseline():
    assert said(known_comparison())["Best model"] == (
        "SVC does best: macro-F1 71.2 (95 % interval 65.4 to 76.1) under artist-disjoint cross-validation; "
        "the baseline 'most frequent genre' gives 17.0."
    )


def test_models_that_cannot_be_told_apart_are_named():
    assert said(known_comparison())["Told apart"] == "Random forest can't be told apart from SVC; the rest are worse."


def test_a_clear_winner_is_called_one():
    scores = known_comparison().scores.assign(
        tied_with_best=[True, False, False, False], p_value=[np.nan, 0.04, 0.01, 0]
    )
    text = said(known_comparison(scores=scores))["Told apart"]
    assert text == "SVC is better than every other model by more than chance explains (p ≤ 0.040 for each)."


def test_all_tied_is_said():
    scores = known_comparison().scores.assign(tied_with_best=[True, True, True, False])
    assert said(known_comparison(scores=scores))["Told apart"].startswith("None of the other models can be told apart")


def test_a_much_quicker_model_that_is_as_good_is_pointed_out():
    assert "is fitted 40 times as fast (1.5 s instead of 60 s)" in said(known_comparison())["Time"]


@pytest.mark.parametrize(
    ("leak", "low", "high", "told"),
    [
        (
            0.058,
            0.01,
            0.1,
            "SVC would have seemed 5.8 points better (95 % interval 1.0 to 10.0): 77.0 instead of 71.2.",
        ),
        (0.01, -0.02, 0.04, "by no more than chance explains: 1.0 points better (95 % interval \u22122.0 to 4.0)."),
        (-0.01, -0.04, 0.02, "by no more than chance explains: 1.0 points worse (95 % interval \u22122.0 to 4.0)."),
    ],
)
def test_what_leaking_adds_is_said_with_its_sign(leak, low, high, told):
    frame = pd.DataFrame(
        {"model": ["rf", "svc"], "macro_f1_safe": [0.7, 0.712], "macro_f1_random": [0.8, 0.712 + leak]}
    )
    frame = frame.assign(leak=[0.1, leak], leak_low=[0.05, low], leak_high=[0.15, high])
    assert said(known_comparison(leak=frame))["Leaking artists"].endswith(told)


def test_the_most_confused_pair_is_counted_both_ways():
    assert said(known_comparison())["Confused"] == (
        "SVC confuses jazz and folk most: 4 of 10 jazz tracks (40 %) were taken for folk, "
        "and 1 of 10 folk tracks (10 %) were taken for jazz."
    )


def test_a_model_without_a_mistake_confuses_nothing():
    predictions = known_comparison().predictions
    perfect = known_comparison(predictions=predictions.assign(svc=predictions["genre"]))
    assert said(perfect)["Confused"] == "SVC got every track right."


def test_nothing_is_said_of_what_is_not_there():
    comparison = known_comparison(scores=known_comparison().scores.drop(columns=["tied_with_best", "fit_seconds"]))
    assert set(said(comparison)) == {"Best model", "Confused"}
