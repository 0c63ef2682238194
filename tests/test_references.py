import re
from pathlib import Path

import pytest

from genreclf.errors import RequestError
from genreclf.references import bibtex, cited, references

SOURCE = Path(__file__).parents[1] / "genreclf" / "references.bib"


def test_every_entry_of_the_file_is_read_and_has_authors_a_title_and_a_year():
    known = references()
    assert list(known) == re.findall(r"^@\w+\{(.+),$", SOURCE.read_text(encoding="utf-8"), re.MULTILINE)
    for key, entry in known.items():
        assert all(f"  {name} = {{" in entry for name in ("author", "title", "year")), key
        assert entry.count("{") == entry.count("}")
        assert cited(key).endswith(")")


def test_a_reference_is_named_by_its_authors_and_year():
    assert cited("hansen2011") == "Hansen, Lunde and Nason (2011)"
    assert cited("anden2014") == "Andén and Mallat (2014)"
    assert cited("holm1979") == "Holm (1979)"
    assert cited("scikit-learn") == "Pedregosa and others (2011)"


def test_bibtex_has_each_reference_once_in_the_order_given():
    assert re.findall(r"@\w+\{(.+),", bibtex(["holm1979", "fma", "holm1979"])) == ["holm1979", "fma"]
    with pytest.raises(RequestError, match=r"unknown reference 'holm1980'; .*did you mean 'holm1979'"):
        bibtex(["holm1980"])
