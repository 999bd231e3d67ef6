from __future__ import annotations

import math

import numpy as np
import pytest

from openvss.data import vspw
from openvss.data.protocol import Protocol
from openvss.data.voc import words_20b
from openvss.errors import InputError
from openvss.evaluation.metrics.classes import scores
from openvss.evaluation.metrics.confusion import Confusion, mean_iou
from openvss.evaluation.protocol import default_protocol, find_protocol, protocol_names, protocols
from openvss.video.labelmap import Labels
from openvss.words.vocabulary import Vocabulary

VSPW = Vocabulary.parse("vspw")
CITYSCAPES = Vocabulary.parse("cityscapes")
DEFAULTS = {
    "ade847": "a-847",
    "pc459": "pc-459",
    "ade150": "a-150",
    "pc59": "pc-59",
    "voc20": "pas-20",
    "voc20b": "pas-20b",
}
RAW = np.arange(256, dtype=np.uint8)  # every id a mask of VSPW could hold


def counted_raw_ids(name: str) -> list[int]:
    classes = vspw.TABLE.classes[RAW]
    return RAW[find_protocol(name, VSPW).count_labels(classes, 255) != 255].tolist()


def test_vspw_is_split_after_raw_id_80() -> None:
    void = {0, 254, 255}
    known = [raw for raw in RAW.tolist() if raw <= 124 or raw in void]
    seen = [raw for raw in counted_raw_ids("vspw-80-44-seen") if raw in known]
    unseen = [raw for raw in counted_raw_ids("vspw-80-44-unseen") if raw in known]
    assert seen == list(range(1, 81))
    assert unseen == list(range(81, 125))
    assert vspw.TABLE.classes[seen].tolist() == list(range(80))
    assert vspw.TABLE.classes[unseen].tolist() == list(range(80, 124))


def test_neither_end_of_the_split_is_off_by_one() -> None:
    seen = find_protocol("vspw-80-44-seen", VSPW).choose_words(VSPW)
    unseen = find_protocol("vspw-80-44-unseen", VSPW).choose_words(VSPW)
    assert (len(seen), len(unseen)) == (80, 44)
    assert seen.names + unseen.names == VSPW.names
    assert len(set(VSPW.names)) == 124
    assert seen.names[-1] == "bag"
    assert unseen.names[-1] == "train"
    assert str(seen) != "vspw"  # which would be all 124 words


def test_generalised_chooses_among_all_words_and_reports_both_parts() -> None:
    protocol = find_protocol("vspw-80-44", VSPW)
    assert protocol.choose_words(VSPW) is VSPW
    matrix = np.zeros((124, 125), np.int64)
    matrix[3, 3], matrix[3, 100] = 6, 2
    matrix[100, 100], matrix[100, 3] = 1, 3
    found = scores(protocol, Confusion(matrix))
    assert found["seen_miou"] == pytest.approx(6 / 11)
    assert found["unseen_miou"] == pytest.approx(1 / 6)
    assert found["hiou"] == pytest.approx(2 * 6 / 11 / 6 / (6 / 11 + 1 / 6))
    assert found["miou"] == pytest.approx((6 / 11 + 1 / 6) / 2)


def test_the_papers_protocol_scores_unseen_pixels_among_unseen_words() -> None:
    protocol = find_protocol("vspw-80-44-unseen", VSPW)
    labels = np.array([[0, 79, 80, 80, 123, 255]], np.uint8)
    of_model = np.array([[0, 1, 0, 1, 43, 0]], np.uint8)  # numbered among its 44 words
    counted = protocol.count_labels(labels, 255)
    assert counted.tolist() == [[255, 255, 80, 80, 123, 255]]
    assert labels[0, 0] == 0, "the labels themselves must stay as they are"
    predictions = protocol.classes_of_model(of_model)
    assert predictions.tolist() == [[80, 81, 80, 81, 123, 80]]
    found = scores(protocol, Confusion.of(counted, predictions, protocol.n_classes, 255))
    assert found["miou"] == found["unseen_miou"] == pytest.approx((1 / 2 + 1) / 2)
    assert "hiou" not in found


def test_counting_by_table_is_counting_by_comparison() -> None:
    rng = np.random.default_rng(0)
    drawn = rng.choice([*range(124), 254, 255], (9, 40))
    wide: Labels = np.where(drawn == 255, 65535, drawn).astype(np.uint16)
    for labels, ignore in ((drawn.astype(np.uint8), 255), (wide, 65535)):
        protocol = protocols()["vspw-80-44-unseen"]
        counted = protocol.count_labels(labels, ignore)
        assert counted.dtype == labels.dtype
        expected = np.where(np.isin(labels, protocol.counted), labels, ignore)
        np.testing.assert_array_equal(counted, expected)


def test_seen_words_in_foreign_predictions_are_wrong_but_no_class_of_the_strict_mean() -> None:
    protocol = find_protocol("vspw-80-44-unseen", VSPW)
    labels, predictions = np.array([[80, 80]], np.uint8), np.array([[80, 5]], np.uint8)
    found = scores(protocol, Confusion.of(labels, protocol.classes_of_list(predictions), 124, 255))
    assert found["miou"] == found["miou_strict"] == 0.5


def test_unlabelled_stays_unlabelled_whatever_the_candidates() -> None:
    for name in ("vspw-80-44", "vspw-80-44-seen", "vspw-80-44-unseen"):
        protocol = find_protocol(name, VSPW)
        assert protocol.classes_of_model(np.array([[255]], np.uint8)).tolist() == [[255]]


def test_cityscapes_has_eight_novel_classes() -> None:
    protocol = find_protocol("cityscapes-transfer", CITYSCAPES)
    names = [CITYSCAPES.names[i] for i in protocol.groups["unseen"]]
    assert names == [
        "sidewalk",
        "fence",
        "traffic light",
        "traffic sign",
        "vegetation",
        "terrain",
        "rider",
        "train",
    ]
    seen_words = {word for label in VSPW.labels[:80] for word in label.synonyms}
    assert [name for name in names if name in seen_words] == ["fence", "traffic light"]
    assert "traffic light and fence are seen in our wording" in protocol.about
    assert len(protocol.groups["seen"]) == 11
    assert sorted(protocol.groups["seen"] + protocol.groups["unseen"]) == list(range(19))
    matrix = np.diag(np.arange(1, 20)) @ np.eye(19, 20, dtype=np.int64)
    assert scores(protocol, Confusion(matrix.astype(np.int64)))["hiou"] == pytest.approx(1)


def test_pas_20b_takes_every_other_word_for_background() -> None:
    words = words_20b()
    protocol = find_protocol("pas-20b", words)
    assert protocol.choose_words(words) is words
    predictions = np.array([[0, 19, 20, 21, 58, 255]], np.uint8)
    for merge in (protocol.classes_of_model, protocol.classes_of_list):
        assert merge(predictions).tolist() == [[0, 19, 20, 20, 20, 20]]
    assert protocol.n_classes == 21
    assert protocol.class_names(words) == (*Vocabulary.parse("voc20").names, "background")
    labels = np.array([[0, 19, 20, 20, 20, 255]], np.uint8)
    merged = Confusion.of(protocol.count_labels(labels, 255), protocol.classes_of_list(predictions), 21, 255)
    assert scores(protocol, merged)["miou"] == 1


def test_plain_leaves_everything_as_it_is() -> None:
    words = Vocabulary.parse("cat, dog")
    protocol = find_protocol("plain", words)
    labels = np.array([[0, 1, 255]], np.uint8)
    assert protocol.choose_words(words) is words
    assert protocol.class_names(words) == ("cat", "dog")
    for same in (protocol.count_labels(labels, 255), protocol.classes_of_model(labels)):
        assert same is labels
    found = scores(protocol, Confusion.of(labels, labels, 2, 255))
    assert set(found) == {"miou", "miou_strict", "fwiou", "macc", "pacc"}


@pytest.mark.parametrize("name", [name for name in protocol_names() if name[0] in "ap" and name != "plain"])
def test_image_benchmarks_report_both_conventions(name: str) -> None:
    protocol = protocols()[name]
    matrix = np.zeros((protocol.n_classes, protocol.n_classes + 1), np.int64)
    matrix[0, 0] = matrix[0, 1] = 1
    found = scores(protocol, Confusion(matrix))
    assert found["miou"] == pytest.approx(1 / 2)
    assert found["miou_strict"] == pytest.approx(1 / 4)


@pytest.mark.parametrize("dataset", DEFAULTS)
def test_default_protocols_fit_their_word_lists(dataset: str) -> None:
    words = words_20b() if dataset == "voc20b" else Vocabulary.parse(dataset)
    assert find_protocol(default_protocol(dataset), words).name == DEFAULTS[dataset]
    assert default_protocol("folder") == "plain"


def test_what_cannot_be_found_is_explained() -> None:
    with pytest.raises(InputError, match=r"Unknown protocol 'vspw': choose one of plain, vspw-80-44,"):
        find_protocol("vspw", VSPW)
    with pytest.raises(InputError, match=r"vspw-80-44 is for a list of 124 words, but the data set has 19"):
        find_protocol("vspw-80-44", CITYSCAPES)


def test_reworded_vocabularies_keep_their_protocol() -> None:
    words = Vocabulary.parse(", ".join(f"word {i}" for i in range(124)))
    assert find_protocol("vspw-80-44-unseen", words).choose_words(words).names[0] == "word 80"


def test_groups_are_means_over_the_whole_matrix() -> None:
    matrix = np.array([[5, 1, 0], [2, 4, 1]], np.int64)
    protocol = Protocol("x", "", 2, (0, 1), (0, 1), {"seen": (0,), "unseen": (1,)})
    found = scores(protocol, Confusion(matrix))
    assert found["seen_miou"] == mean_iou(Confusion(matrix), [0])
    empty = scores(protocol, Confusion.empty(2))
    assert math.isnan(empty["hiou"])
