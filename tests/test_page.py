"""What chapters show: figures with text alternatives in two forms, listings, and the line on the environment."""

import json
import re
from collections.abc import Iterator

import matplotlib as mpl
import plotly.graph_objects as go
import plotly.io as pio
import pytest

from gradbook import page
from gradlib.errors import InputError


@pytest.fixture(autouse=True)
def _own_settings() -> Iterator[None]:
    """Restore what `setup` changes in the process."""
    template, renderer = pio.templates.default, pio.renderers.default
    with mpl.rc_context():
        page.setup()
        yield
    pio.templates.default, pio.renderers.default = template, renderer


def bundle(figure: go.Figure) -> dict[str, object]:
    return pio.renderers[pio.renderers.default].to_mimebundle(figure.to_dict())


def test_a_described_figure_has_its_text_alternative_on_the_page() -> None:
    figure = page.describe(go.Figure(go.Scatter(y=[1, 2])), 'A line that "rises"\n  from 1 to 2.')
    html = str(bundle(figure)["text/html"])
    assert 'aria-label="A line that &quot;rises&quot; from 1 to 2."' in html
    assert re.search(r"<noscript>.*A line that &quot;rises&quot; from 1 to 2\..*</noscript>", html)


def test_description_is_required() -> None:
    with pytest.raises(InputError, match="no description"):
        page.describe(go.Figure(), "  ")


def test_describe_keeps_other_metadata() -> None:
    figure = go.Figure(layout={"meta": {"source": "run 1"}})
    assert page.describe(figure, "Nothing yet.").layout.meta == {"source": "run 1", "alt": "Nothing yet."}


def test_both_forms_of_a_figure_hold_the_same_specification() -> None:
    figure = go.Figure(go.Scatter(y=[1.5, 2.5]), frames=[go.Frame(name="later", data=[go.Scatter(y=[3.5, 4.5])])])
    forms = bundle(page.describe(figure, "Two points."))
    element = re.search(r'<script type="application/json">(.*?)</script>', str(forms["text/html"]), re.DOTALL)
    assert element is not None
    assert json.loads(element[1]) == forms["application/vnd.plotly.v1+json"]
    assert json.loads(element[1])["frames"][0]["name"] == "later"


def test_text_of_a_figure_cannot_end_its_script() -> None:
    figure = page.describe(go.Figure(layout={"title": {"text": "a</script><b>"}}), "A title.")
    assert str(bundle(figure)["text/html"]).count("</script>") == 1


def test_figure_reserves_its_height_before_it_is_drawn() -> None:
    assert "min-height: 250px" in str(bundle(page.describe(go.Figure(layout={"height": 250}), "Low."))["text/html"])
    assert "min-height: 400px" in str(bundle(page.describe(go.Figure(), "Usual."))["text/html"])


def test_theme_is_transparent_and_uses_one_palette() -> None:
    layout = pio.templates["grad"].layout
    assert layout.paper_bgcolor == layout.plot_bgcolor == "rgba(0, 0, 0, 0)"
    assert layout.colorway == page.OKABE_ITO
    assert mpl.rcParams["axes.prop_cycle"].by_key()["color"] == list(page.OKABE_ITO)
    assert mpl.rcParams["image.cmap"] == "cividis"


def test_source_listing_is_the_source_that_runs() -> None:
    listing = page.show_source(page.describe).data
    assert listing.startswith("````python\ndef describe(")
    assert listing.endswith("return figure\n````")


def test_environment_line_names_versions_device_and_commit() -> None:
    line = page.environment_stamp("cpu")
    assert re.fullmatch(r"Python 3\.\S+ · gradlib \S+ · torch \S+ · timm \S+ · cpu, \d+ cores · commit \S+", line)


def test_environment_line_without_git(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert page.environment_stamp("cpu").endswith("commit unknown")
