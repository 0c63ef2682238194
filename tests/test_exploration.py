"""The page of a table: what others may ask of it, and what a person does there in a browser."""

import threading
import time
from pathlib import Path

import pandas as pd
import pytest
import soundfile
from browser import Browser
from made_up import made_up_table, note

from genreclf.datasets.edits import Edit, Edits
from genreclf.errors import RequestError
from genreclf.exploration.exploration import Exploration, open_exploration
from genreclf.tables.table import FeatureTable

httpx = pytest.importorskip("httpx")
uvicorn = pytest.importorskip("uvicorn", reason='needs pip install "genreclf[serve]"')
service = pytest.importorskip("genreclf.exploration.service")

HIDDEN = "not to be sent"


@pytest.fixture(scope="module")
def exploration(tmp_path_factory) -> Exploration:
    """Sixty tracks, three labels exchanged; some files are there, some paths lead where they should not."""
    folder = tmp_path_factory.mktemp("exploration")
    music = folder / "music"
    music.mkdir()
    (folder / "secret.wav").write_text(HIDDEN)
    (music / "notes.txt").write_text(HIDDEN)
    table = made_up_table(tracks=60, genres=3, artists_per_genre=5, spread=2.5, seed=3)
    frame = table.frame
    paths = [f"{row}.wav" for row in range(len(frame))]
    for row in range(12):
        soundfile.write(music / paths[row], note(220.0 * (1 + row), seed=row), 22050)
    paths[12], paths[13], paths[14] = "../secret.wav", str(folder / "secret.wav"), "notes.txt"
    paths[15] = "odd \\x0a <b>&.wav"
    soundfile.write(music / "odd \n <b>&.wav", note(220.0), 22050)
    genres = frame["genre"].tolist()
    for row in range(3):
        genres[row] = f"genre{(row + 1) % 3}"
    titles = ["<img src=x onerror=alert(1)>", *(f"title {row}" for row in range(1, len(frame)))]
    frame = frame.assign(path=paths, title=titles, genre=pd.Series(genres, dtype=object))
    return open_exploration(
        FeatureTable(frame, table.features, name="made-up"), edits=folder / "no.csv", music=music, model="logreg"
    )


@pytest.fixture
def served(exploration, tmp_path):
    """The address of the page, and its file of edits."""
    path = tmp_path / "e.edits.csv"
    config = uvicorn.Config(service.build_app(exploration, path), port=0, log_level="critical")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}", path
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def client(served):
    with httpx.Client(base_url=served[0]) as client:
        page = client.get("/").text
        token = page.partition('name="token" content="')[2].partition('"')[0]
        client.headers["X-Genreclf-Token"] = token
        yield client


def test_exchanged_labels_come_first_and_neighbours_are_by_other_artists(exploration) -> None:
    shown = exploration.as_json()
    assert shown["genres"] == ["genre0", "genre1", "genre2"]
    scores = {row: track["score"] for row, track in enumerate(shown["tracks"]) if "score" in track}
    assert len({0, 1, 2} & set(scores)) >= 2
    assert shown["tracks"][0]["suggested"] == "genre0"
    assert shown["tracks"][0]["probabilities"][0][0] == "genre0"
    groups = exploration.table.groups
    near = exploration.neighbours(5)
    assert len(near) == 8
    assert all(groups[found["row"]] != groups[5] for found in near)
    distances = [found["distance"] for found in near]
    assert distances == sorted(distances)


def test_a_sound_is_sent_whole_or_in_ranges(client, exploration) -> None:
    whole = client.get("/audio/3")
    assert whole.status_code == 200
    assert whole.content == exploration.audio[3].read_bytes()
    part = client.get("/audio/3", headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, whole.content[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{len(whole.content)}"
    assert client.get("/audio/3", headers={"Range": "bytes=99999999-"}).status_code == 416
    assert client.get("/audio/15").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        *(
            f"/audio/{row}"
            for row in (12, 13, 14, 20, -1, 60, 10**30, "x", "..%2f..%2fsecret.wav", "%2e%2e/secret.wav")
        ),
        *(
            "/audio/../secret.wav",
            "/secret.wav",
            "/audio",
            "/docs",
            "/openapi.json",
            "/neighbours/-1",
            "/neighbours/60",
        ),
    ],
)
def test_nothing_else_is_sent(client, path) -> None:
    answer = client.get(path)
    assert answer.status_code in (404, 422)
    assert HIDDEN not in answer.text
    assert "Traceback" not in answer.text


def test_another_host_another_origin_and_a_missing_token_are_refused(client, served) -> None:
    for host in ("evil.example", "evil.example:8001", "127.0.0.1.evil.example", ""):
        for path in ("/", "/tracks", "/audio/3", "/edits"):
            assert client.get(path, headers={"Host": host}).status_code == 400
    edit = {"edit": "label", "row": 3, "value": "genre1"}
    for token in ("", "x", b"\xc3\xbc"):
        assert client.post("/edits", json=edit, headers={"X-Genreclf-Token": token}).status_code == 403
    preflight = {"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}
    answer = client.options("/edits", headers=preflight)
    assert answer.status_code >= 400
    assert not any(name.startswith("access-control") for name in answer.headers)
    assert not served[1].exists()
    page = client.get("/")
    assert "script-src 'sha256-" in page.headers["content-security-policy"]
    assert page.headers["cross-origin-resource-policy"] == "same-origin"


def test_hostile_edits_change_nothing(client, served) -> None:
    bodies = [
        *(b"", b"{", b"[]", b"null", b"\xff\xfe", b'"x"', b"[" * 60_000),
        *(
            b'{"edit": "label"}',
            b'{"edit": "label", "row": 99, "value": "x"}',
            b'{"edit": "label", "row": -1, "value": "x"}',
        ),
        *(b'{"edit": "label", "row": true, "value": "x"}', b'{"edit": "label", "row": 1, "value": 7}'),
        *(
            b'{"edit": "drop", "row": 1}',
            b'{"edit": "undo", "row": 1}',
            b'{"edit": "label", "row": 1, "value": "a\\nb"}',
        ),
        *(b'{"edit": "label", "row": 1, "value": " "}', b'{"edit": {}, "row": 1}', b"x" * 70_000),
        b'{"edit": "label", "row": 1, "value": "' + b"x" * 5_000 + b'"}',
        b'{"edit": "artist", "name": "a", "value": "a"}',
    ]
    for body in bodies:
        answer = client.post("/edits", content=body)
        assert answer.status_code in (400, 409, 413), body[:60]
        assert "\n" not in answer.json()["error"]
    assert not served[1].exists()


def test_edits_are_made_undone_and_exported(client, served) -> None:
    path = served[1]
    assert client.get("/edits.csv").status_code == 404
    state = client.post("/edits", json={"edit": "label", "row": 0, "value": "genre0"}).json()
    assert state["genres"] == {"0": "genre0"}
    client.post("/edits", json={"edit": "leave-out", "row": 4})
    with path.open("a") as file:
        file.write("artist,artist0-1,artist0-2\n")  # by hand, meanwhile
    state = client.post("/edits", json={"edit": "undo", "name": "t00004"}).json()
    assert (state["left_out"], state["artists"]) == ([], {"artist0-1": "artist0-2"})
    assert Edits.read(path).standing == (Edit("label", "t00000", "genre0"), Edit("artist", "artist0-1", "artist0-2"))
    export = client.get("/edits.csv")
    assert export.content == path.read_bytes()
    assert export.headers["content-disposition"].startswith("attachment")
    path.write_text("nonsense\n")
    answer = client.get("/edits")
    assert answer.status_code == 409
    assert answer.json()["error"].startswith(f"{path}: begins with 'nonsense'")


def test_a_report_of_other_tracks_or_a_missing_folder_is_refused(exploration) -> None:
    other = made_up_table(tracks=30)
    other = other.with_frame(other.frame.assign(track_id=[f"other{row}" for row in range(30)]), other.features)
    with pytest.raises(RequestError, match="the report is of other tracks"):
        Exploration(other, exploration.comparison, Path())
    with pytest.raises(RequestError, match="no such folder"):
        open_exploration(exploration.table, edits=Path("none"), music=Path("/nowhere/at/all"))


class _Page:
    def __init__(self, address: str) -> None:
        self.address = address

    def as_uri(self) -> str:
        return self.address


@pytest.mark.browser
def test_a_person_plays_filters_changes_undoes_and_exports(browser: Browser, served) -> None:
    address, path = served

    def wait(script: str):
        for _ in range(200):
            found = browser.run(f"return {script}")
            if found:
                return found
            time.sleep(0.03)
        raise AssertionError(script)

    for width, dark in ((400, True), (1400, False)):
        browser.open(_Page(address), width=width, dark=dark)
        wait("document.querySelector('.near button')")
        assert browser.run("return document.documentElement.scrollWidth") <= width
    assert browser.console() == []
    titles = "[...document.querySelectorAll('.tracks b')].map((b) => b.textContent)"
    issues = browser.run(f"return {titles}")
    assert any("<img src=x" in title for title in issues)

    browser.run("document.querySelector('#which').value = 'all'; "
                "document.querySelector('#which').dispatchEvent(new Event('change'))")  # fmt: skip
    assert len(browser.run(f"return {titles}")) == 60
    browser.run("document.querySelector('.legend button').click()")
    assert 0 < len(browser.run(f"return {titles}")) < 60
    assert browser.run("return document.querySelectorAll('.marks .faint').length") > 0
    browser.run("document.querySelector('.legend button').click();"
                "const box = document.querySelector('#search'); box.value = 'TITLE 3';"
                "box.dispatchEvent(new Event('input'))")  # fmt: skip
    assert all("title 3" in title for title in browser.run(f"return {titles}"))
    browser.run("document.querySelector('.tracks button[data-row=\"3\"]').click()")
    wait("document.querySelector('#listen').textContent.includes('title 3')")

    browser.run("document.querySelector('audio').muted = true")
    browser.press("p")
    assert wait("document.querySelector('audio').currentTime > 0.05")
    browser.press("p")
    assert browser.run("return document.querySelector('audio').paused")

    browser.run("document.querySelector('#new-label').value = 'folk & <i>new</i>';"
                "document.querySelector('.relabel').click()")  # fmt: skip
    wait("document.querySelectorAll('.log li').length === 1")
    assert Edits.read(path).standing == (Edit("label", "t00003", "folk & <i>new</i>"),)
    assert browser.run("return document.querySelector('.label').textContent").startswith(
        "folk & <i>new</i>, before genre"
    )
    assert browser.run("return document.querySelectorAll('.legend button').length") == 4
    browser.press("x")
    wait("document.querySelectorAll('.log li').length === 2")
    browser.press("u")
    wait("document.querySelectorAll('.log li').length === 1")
    exported = browser.driver.execute_async_script(
        "const done = arguments[0]; const link = document.querySelector('.export');"
        "const told = (text) => done([link.hidden, link.hasAttribute('download'), text]);"
        "fetch(link.href).then((r) => r.text()).then(told);"
    )
    assert exported == [False, True, path.read_text()]
    browser.run("document.querySelector('.log .undo').click()")
    wait("document.querySelectorAll('.log li').length === 0")
    assert Edits.read(path).standing == ()
    assert all(url.startswith((address, "data:")) for url in browser.requests())
    assert browser.axe() == []
