"""A report as files for a paper: its figures, its tables, how it was evaluated, and an article that holds them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from genreclf.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from genreclf.evaluation.comparison import Comparison
    from genreclf.pages.blocks import Figure, Section, Table

COLUMN_WIDTH, PAGE_WIDTH = 3.3, 7.0  # inches: of a column and of the text of most two-column journals
_INCHES = {"in": 1.0, "cm": 1 / 2.54, "mm": 1 / 25.4, "pt": 1 / 72.27}
_NARROWEST, _WIDEST = 2.0, 20.0
_MARK = "% Exported by genreclf"


def export_report(report: Comparison | Path | str, folder: Path | str, *, width: float | None = None) -> list[Path]:
    """Export a report for a paper.

    ``figures/`` holds every chart as PDF, SVG and PNG (300 dpi), ``tables/`` every table as LaTeX, Markdown and CSV,
    ``evaluation.tex`` and ``evaluation.md`` how the comparison was evaluated, ``references.bib`` what it rests on,
    and ``article.tex`` shows how they are used.

    Parameters
    ----------
    report : a comparison, or the folder of its report.
    folder : where the files go; those of an earlier export are replaced.
    width : of figures, in inches; by default each is made for a column (3.3) and, where it differs, for a page (7.0,
        named ``-page``).

    Returns
    -------
    The files written, in order.

    Raises
    ------
    RequestError : there is no report, the width makes no sense, or the folder holds files that are not ours.
    """
    from genreclf.evaluation.comparison import Comparison
    from genreclf.reports.comparison_page import comparison_page

    check_width(width)
    comparison = report if isinstance(report, Comparison) else Comparison.read(report)
    place = Path(folder)
    _check_folder(place)
    page = comparison_page(comparison)
    files = dict(_texts(comparison))
    for section in page.sections:
        for name, table in _tables(section):
            files |= _table_files(name, table)
    sizes = {"": COLUMN_WIDTH, "-page": PAGE_WIDTH} if width is None else {"": width}
    drawn = [figure for section in page.sections for figure in _figures(section)]
    files["article.tex"] = _article(comparison, {figure.name for figure in drawn})
    return [*_write(place, files), *(path for figure in drawn for path in _write_figure(place, figure, sizes))]


def parse_width(text: str) -> float:
    """A length such as ``3.3in``, ``84mm`` or ``240pt``, in inches.

    Raises
    ------
    RequestError : it is no length, or none that a figure can have.
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?|\.\d+)\s*(in|cm|mm|pt)\s*", text)
    if found is None:
        raise RequestError(f"`width={text}`: write a length with its unit, such as 3.3in, 84mm, 8.4cm or 240pt")
    width = float(found[1]) * _INCHES[found[2]]
    check_width(width)
    return width


def check_width(width: float | None) -> None:
    """Refuse a width, in inches, that no figure can have."""
    if width is not None and not _NARROWEST <= width <= _WIDEST:
        raise RequestError(f"a width of {width:.3g} in: choose {_NARROWEST:g} to {_WIDEST:g} inches")


def _check_folder(folder: Path) -> None:
    from genreclf.files import check_file, check_folder, check_unmarked

    check_folder(folder)
    if (folder / "article.tex").exists():
        check_file(folder / "article.tex", mark=_MARK.encode(), what="an export of genreclf")
        return
    names = ("figures", "tables", "evaluation.tex", "evaluation.md", "references.bib")
    check_unmarked(*(folder / name for name in names), what="an export of genreclf")


def _write(folder: Path, files: dict[str, str]) -> Iterator[Path]:
    from genreclf.files import write_whole

    # The article, which tells that the folder is ours, comes first.
    for name in sorted(files, key=lambda name: name != "article.tex"):
        write_whole(folder / name, files[name])
        yield folder / name


def _write_figure(folder: Path, figure: Figure, sizes: dict[str, float]) -> Iterator[Path]:
    from genreclf.files import write_whole
    from genreclf.pages.printing import FORMATS, POINTS_PER_PIXEL, render

    first = 0.0
    for ending, width in sizes.items():
        drawing = figure.draw_alone(72 * width / POINTS_PER_PIXEL)
        if drawing.width == first:
            continue  # it does not grow with the page
        first = drawing.width
        for kind, content in zip(FORMATS, render(drawing, width=width), strict=True):
            path = folder / "figures" / f"{figure.name}{ending}.{kind}"
            write_whole(path, content)
            yield path


def _figures(section: Section) -> Iterator[Figure]:
    yield from section.figures
    for part in section.parts:
        yield from _figures(part)


def _tables(section: Section) -> Iterator[tuple[str, Table]]:
    for index, table in enumerate(section.tables, start=1):
        yield section.identity if index == 1 else f"{section.identity}-{index}", table
    for part in section.parts:
        yield from _tables(part)


def _table_files(name: str, table: Table) -> dict[str, str]:
    from genreclf.export.latex import tabular
    from genreclf.pages.markdown import markdown_table

    return {
        f"tables/{name}.tex": tabular(table),
        f"tables/{name}.md": f"{markdown_table(table)}\n",
        f"tables/{name}.csv": _csv(table),
    }


def _csv(table: Table) -> str:
    """The table as it shows, with plain signs; notes below cells have columns of their own."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    noted = [any(row[index].note for row in table.rows) for index in range(len(table.titles))]
    titles = zip(table.titles, table.numeric, noted, strict=True)
    writer.writerow(
        part
        for title, numeric, more in titles
        for part in (title, *([f"{title}, 95 % interval" if numeric else f"{title}, file"] if more else []))
    )
    for row in table.rows:
        parts = [part for cell, more in zip(row, noted, strict=True) for part in (cell.text, *([cell.note] * more))]
        writer.writerow(part.replace("\u2212", "-") for part in parts)
    return stream.getvalue()


def _texts(comparison: Comparison) -> Iterator[tuple[str, str]]:
    from genreclf.export.methods import as_latex, cited_keys, methods
    from genreclf.references import bibtex

    text = methods(comparison)
    yield "evaluation.md", text
    yield "evaluation.tex", as_latex(text)
    yield "references.bib", bibtex(cited_keys(text))


def _article(comparison: Comparison, figures: Sequence[str] | set[str]) -> str:
    """A two-column article with the ranking and the evaluation, to be compiled or copied from."""
    from genreclf.export.latex import PACKAGES, escaped
    from genreclf.reports.sections.scores import ranking

    shown = ranking(comparison)
    lines = [
        f"{_MARK}: pdflatex article && bibtex article && pdflatex article && pdflatex article",
        r"\documentclass[twocolumn]{article}",
        PACKAGES,
        r"\usepackage{graphicx,lmodern}",
        r"\begin{document}",
        r"\section*{Evaluation}",
        r"\input{evaluation}",
    ]
    if "ranking" in figures:
        caption = escaped(shown.figures[0].caption)
        lines += [
            r"\begin{figure}",
            r"\centering",
            r"\includegraphics[width=\columnwidth]{figures/ranking}",
            rf"\caption{{{caption}}}",
            r"\end{figure}",
        ]
    caption = escaped(shown.tables[0].caption)
    lines += [
        r"\begin{table*}",
        r"\centering\small\setlength{\tabcolsep}{3.5pt}",
        rf"\caption{{{caption}}}",
        r"\smallskip",
        r"\input{tables/ranking}",
        r"\end{table*}",
        r"\bibliographystyle{plain}",
        r"\bibliography{references}",
        r"\end{document}",
    ]
    return "\n".join(lines) + "\n"
