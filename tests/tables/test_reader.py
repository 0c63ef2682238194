"""Tables from elsewhere: each is read, or refused in one line that names line and column."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genreclf.errors import RequestError
from genreclf.tables.table import FeatureTable

PLAIN = "track_id,genre,artist,mfcc_mean_01,tempo\na,rock,Ann,1.5,120\nb,pop,Bob,-2e-3,90\n"


def read(tmp_path, content, **options):
    path = tmp_path / "table.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return FeatureTable.read(path, **options)


def refusal(tmp_path, content, **options):
    with pytest.raises(RequestError) as error:
        read(tmp_path, content, **options)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    "content",
    [
        PLAIN,
        "\ufeff" + PLAIN,
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("\n", "\r"),
        PLAIN.removesuffix("\n"),
        PLAIN.replace("\n", "\n\n") + "\n \n",
        PLAIN.replace(",", ";"),
        PLAIN.replace(",", "\t"),
        PLAIN.replace(",", "|"),
        PLAIN.replace(",", ";").replace("1.5", "1,5").replace("-2e-3", "-2,0e-3"),
        PLAIN.replace(",", ";").replace("1.5", '"1,5"').replace("-2e-3", '"-0,002"'),
        PLAIN.replace("Ann", '"Ann"').replace("rock", '" rock"'),
        PLAIN.replace("track_id", '"track_id"'),
    ],
)
def test_spellings_of_one_table_read_the_same(tmp_path, content):
    assert read(tmp_path, content).digest == read(tmp_path, PLAIN).digest


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty; a table begins with"),
        ("track_id,genre,x\n", "a header and no rows"),
        (PLAIN.replace("tempo", "artist"), "line 1: two columns are called 'artist'"),
        (PLAIN.replace("\nb,", "\na,"), "line 3, column 'track_id': the id 'a' is that of line 2 already"),
        (PLAIN.replace("\nb,", "\na ,"), "line 3, column 'track_id': the id 'a' is that of line 2 already"),
        (PLAIN.replace("\nb,", "\n,"), "line 3, column 'track_id': no track id"),
        (PLAIN.replace("120", "fast"), "line 2, column 'tempo': 'fast', not a finite number"),
        (PLAIN.replace("90", "inf"), "line 3, column 'tempo': 'inf', not a finite number"),
        (PLAIN.replace("90", "1e999"), "line 3, column 'tempo': 'inf', not a finite number"),
        (PLAIN.replace("genre", "mood"), "no column 'genre'; name the column of labels with label="),
        (PLAIN.replace(",90", ",90,1"), "line 3: 6 cells where the header has 5 columns"),
        (PLAIN.replace(",120", ",120,1"), "line 2: 6 cells where the header has 5 columns"),
        (PLAIN.replace(",90", ""), "line 3: 4 cells where the header has 5 columns"),
        (PLAIN + "c,po", "line 4: 2 cells where the header has 5 columns"),
        (PLAIN + "c", "line 4: 1 cell where the header has 5 columns"),
        (PLAIN + '""', "line 4: 1 cell where the header has 5 columns"),
        (PLAIN + '" "', "unpaired quotes, or lines that hold only quotes"),
        (PLAIN.replace("Ann", "A\0n"), "line 2: a zero byte"),
        (PLAIN.replace("Ann", '"A\0n"'), "line 2: a zero byte"),
        (PLAIN.replace("Bob", '"Bo\nb"') + "c,x\n", "line 5: 2 cells where"),
        (PLAIN.replace("Ann", '"A\nnn"').replace("90", "x"), "line 4, column 'tempo': 'x'"),
        (PLAIN.replace("\nb,", "\n\nb,").replace("90", "x"), "line 4, column 'tempo': 'x'"),
        (PLAIN.replace("Ann", '"Ann'), "line 2: 3 cells where the header"),
        (PLAIN.replace("Bob", '"' + "x" * 200_000 + '"'), "line 3: field larger than field limit"),
        (PLAIN.replace("Bob", "B\xf6b").encode("latin-1"), "line 3: not UTF-8 text"),
        (PLAIN.encode("utf-16"), "not UTF-8 text"),
        ("track_id,genre\na,rock\n", "no numeric columns"),
        ("track_id,genre,x\na,rock,loud\n", "no numeric columns"),
    ],
)
def test_wrong_tables_are_refused_with_line_and_column(tmp_path, content, said):
    assert said in refusal(tmp_path, content)


def test_chosen_columns_play_their_parts(tmp_path):
    content = "song,mood,band,x_mean\n1,sad,Ann,0.5\n2,glad,Bob,1\n"
    table = read(tmp_path, content, label="mood", id="song", group="band")
    assert (list(table.y), list(table.ids), list(table.groups)) == (["sad", "glad"], ["1", "2"], ["Ann", "Bob"])
    assert table.features == ("x_mean",)
    assert table.label == "mood"
    assert "no column 'nope' (group=nope); there are 'song', 'mood'" in refusal(
        tmp_path, content, label="mood", group="nope"
    )


@pytest.mark.parametrize("written", ["", "NaN", "NA", "null"])
def test_empty_cells_among_numbers_are_kept_empty_and_counted(tmp_path, written):
    content = f"track_id,genre,x,y,z\na,rock,1,{written},\nb,pop,{written},2,\nc,pop,3,{written},\n"
    table = read(tmp_path, content)
    assert table.features == table.incomplete == ("x", "y")
    np.testing.assert_array_equal(table.X, [[1, np.nan], [np.nan, 2], [3, np.nan]])
    np.testing.assert_array_equal(table.filled, [[1, 2], [2, 2], [3, 2]])
    assert any(
        note.startswith("3 empty cells in 2 columns ('x', 'y') are filled with the column's median")
        for note in table.notes
    )
    assert any("'z'" in note and "no numbers" in note for note in table.notes)
    assert "line 4, column 'x': 'three', not a finite number" in refusal(tmp_path, content.replace("3", "three"))


def test_several_group_columns_are_kept_as_texts(tmp_path):
    content = "track_id,genre,band,label_id,x_mean\n1,sad,Ann,7,0.5\n2,glad,Bob,7,1\n3,glad,Bob,,1\n"
    table = read(tmp_path, content, group="band,label_id")
    assert (list(table.groups), table.grouping) == (["Ann", "Bob", "Bob"], ("label_id",))
    assert list(table.frame["label_id"]) == ["7", "7", ""]
    assert table.features == ("x_mean",)
    assert "no column 'nope' (group=nope)" in refusal(tmp_path, content, group="band,nope")
    assert "the column 'genre' holds the genre" in refusal(tmp_path, content, group="band,genre")
    comma = read(tmp_path, 'track_id,genre,"band,leader",x\n1,sad,Ann,0.5\n2,glad,Bob,1\n', group="band,leader")
    assert list(comma.groups) == ["Ann", "Bob"]


def test_rows_without_ids_are_named_by_their_number(tmp_path):
    table = read(tmp_path, "genre,x\nrock,1\npop,2\n")
    assert list(table.ids) == ["1", "2"]
    assert any("no track ids" in note for note in table.notes)


def test_columns_without_numbers_and_constant_columns_are_said(tmp_path):
    table = read(tmp_path, "track_id,genre,comment,x,y\na,rock,fine,1,3\nb,pop,loud,2,3\n")
    assert table.features == ("x", "y")
    assert any("'comment'" in note and "no numbers" in note for note in table.notes)
    assert any("'y'" in note and "same in every track" in note for note in table.notes)


def test_index_column_without_a_name_is_left_out(tmp_path):
    assert read(tmp_path, ",genre,x\n0,rock,1\n1,pop,2\n").features == ("x",)


def test_ids_stay_texts(tmp_path):
    assert list(read(tmp_path, "track_id,genre,x\n000002,rock,1\n1e5,pop,2\nNA,pop,3\n").ids) == ["000002", "1e5", "NA"]


def test_last_columns_may_be_empty_texts(tmp_path):
    table = read(tmp_path, "x,genre,track_id,artist\n1,rock,a,\n2,pop,b,Bob\n")
    assert list(table.frame["artist"]) == ["", "Bob"]


def test_missing_file_and_folder_are_one_line(tmp_path):
    with pytest.raises(RequestError, match="no such file; make a table with: genreclf extract"):
        FeatureTable.read(tmp_path / "none.csv")
    with pytest.raises(RequestError, match="a folder, not a table"):
        FeatureTable.read(tmp_path)


def test_values_are_the_nearest_doubles(tmp_path):
    texts = ["0.1", "1e22", "123456789.123456789", "4.9e-324", "1.7976931348623157e308", "2.2250738585072011e-308"]
    rows = "".join(f"{i},{'rock' if i else 'pop'},{text}\n" for i, text in enumerate(texts))
    assert read(tmp_path, "track_id,genre,x\n" + rows).X[:, 0].tolist() == [float(text) for text in texts]


_NOISE = st.one_of(
    st.binary(max_size=200),
    st.text(alphabet='ab1.,;\t|"\n\r \0-e', max_size=120).map(lambda text: (PLAIN + text).encode()),
    st.tuples(st.integers(0, len(PLAIN) - 1), st.integers(0, 255)).map(
        lambda change: PLAIN.encode()[: change[0]] + bytes([change[1]]) + PLAIN.encode()[change[0] + 1 :]
    ),
)


@given(_NOISE)
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_a_table_of_finite_numbers_or_one_line(tmp_path, content):
    try:
        table = read(tmp_path, content)
    except RequestError as error:
        assert "\n" not in str(error)  # noqa: PT017 - either outcome is right
    else:
        assert np.isfinite(table.X).all()
        assert len(set(table.ids)) == len(table)
        assert all(len(column) == len(table) for column in (table.y, table.ids))


def test_decimal_commas_are_found_behind_a_row_of_whole_numbers(tmp_path):
    table = read(tmp_path, "genre;x\nrock;2\npop;1,5\n")
    assert table.X.tolist() == [[2.0], [1.5]]
    assert "decimal commas" in table.notes[0]


@pytest.mark.parametrize(
    "beside",
    [
        '{"feature_set": "study", "parameters": [1]}',
        '{"feature_set": "study", "parameters": {"duration": "x"}}',
        '{"feature_set": "study", "parameters": {"duration": NaN}}',
        '{"feature_set": "study", "parameters": {"duration": 1' + "0" * 400 + "}}",
        '{"feature_set": "study", "columns": 5}',
        '{"feature_set": ["study"]}',
        "[" * 100_000,
    ],
)
def test_a_file_beside_a_table_that_extract_did_not_leave_there_is_nothing_known(tmp_path, made_table, beside):
    made_table.write(tmp_path / "t.csv")
    (tmp_path / "t.json").write_text(beside)
    assert dict(FeatureTable.read(tmp_path / "t.csv").meta) == {}
