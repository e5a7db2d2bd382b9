"""The frame of a page, in a browser."""

import pytest
from starlette.responses import Response
from starlette.routing import Route

from mien.web import Access, application, identity, page, running
from pages import until

SCRIPT = """
import { html, render, pageData, api, colour, theme } from "mien";
import { useState } from "preact/hooks";
import uPlot from "uplot";
function App() {
  const [n, setN] = useState(0);
  return html`<h1 style=${{ color: "var(--accent)" }}>${pageData().who}</h1>
    <button onClick=${() => setN(n + 1)}>${n}</button>`;
}
render(html`<${App} />`, document.getElementById("app"));
new uPlot({ width: 200, height: 100, series: [{}, { stroke: colour("trace-1") }] },
  [[0, 1], [0, 1]], document.getElementById("plot"));
window.tools = { api, colour, theme };
"""


@pytest.fixture(scope="module")
def served():
    access = Access({"r1": "1" * 32})

    async def home(request):
        body = '<main id="app"></main><div id="plot"></div><script>window.injected = 1</script>'
        styles = ["/static/vendor/uplot/uPlot.min.css"]
        return page("Home", script="/app.js", styles=styles, body=body,
                    data={"who": identity(request)})  # fmt: skip

    async def script(request):
        return Response(SCRIPT, media_type="text/javascript")

    async def failing(request):
        from mien.errors import InputError

        raise InputError("it is too late")

    routes = [Route("/", home), Route("/app.js", script), Route("/failing", failing)]
    with running(application(routes, access)) as base:
        yield access, base


@pytest.fixture
def opened(chromium, served):
    access, base = served
    with chromium.new_context() as context:
        tab = context.new_page()
        tab.set_default_timeout(10_000)
        said = []
        tab.on("console", lambda message: said.append(message.text))
        tab.on("pageerror", lambda error: said.append(str(error)))
        tab.goto(access.link(f"{base}/", "r1"))
        tab.wait_for_selector("h1")
        yield tab, base, said


def test_a_link_opens_a_page_that_keeps_no_token_in_its_address(opened):
    tab, base, said = opened
    assert tab.url == f"{base}/"
    assert tab.inner_text("h1") == "r1"
    tab.click("button")
    tab.wait_for_selector("button:text-is('1')")
    assert tab.locator("#plot canvas").count() == 1
    tab.reload()
    assert tab.inner_text("h1") == "r1"
    assert "token" not in tab.evaluate("document.cookie")
    assert all("Content Security Policy" in line for line in said)
    assert tab.evaluate("window.injected") is None


def test_a_page_reaches_nothing_outside(opened):
    tab, _, _ = opened
    reach = "fetch('http://192.0.2.1/').then(() => 'reached', (error) => error.message)"
    assert tab.evaluate(reach) == "Failed to fetch"
    refused = """new Promise((done) => {
      document.addEventListener("securitypolicyviolation", (e) => done(e.effectiveDirective));
      document.body.append(Object.assign(new Image(), { src: "http://192.0.2.1/x.png" }));
    })"""
    assert tab.evaluate(refused) == "img-src"


def test_errors_of_the_server_reach_the_page_in_one_line(opened):
    tab, _, _ = opened
    ask = "tools.api('%s').catch((error) => [error.status, error.message])"
    assert tab.evaluate(ask % "/failing") == [400, "it is too late"]
    assert tab.evaluate(ask % "/absent") == [404, "Not Found"]


def test_the_theme_is_the_systems_until_one_is_chosen(opened):
    tab, _, _ = opened
    tab.emulate_media(color_scheme="light")
    assert tab.evaluate("tools.colour('text')") == "rgb(27, 31, 35)"
    tab.emulate_media(color_scheme="dark")
    assert tab.evaluate("tools.colour('text')") == "rgb(236, 238, 240)"
    tab.evaluate("tools.theme('light')")
    assert tab.evaluate("tools.colour('text')") == "rgb(27, 31, 35)"
    tab.reload()
    until(tab, "Boolean(window.tools)")
    assert tab.evaluate("tools.theme()") == "light"


def test_another_site_in_the_same_browser_gets_nothing(opened, chromium):
    tab, base, _ = opened
    from starlette.applications import Starlette
    from starlette.responses import HTMLResponse

    async def evil(request):
        return HTMLResponse("<p>another site, on another port of this machine</p>")

    with running(Starlette(routes=[Route("/", evil)])) as other:
        there = tab.context.new_page()
        there.goto(other)
        script = """(base) => Promise.all([
          fetch(base + "/", { credentials: "include" }).then(() => "read", () => "refused"),
          fetch(base + "/", { credentials: "include", mode: "no-cors", method: "POST" })
            .then(() => "sent", () => "refused"),
          new Promise((done) => document.body.append(Object.assign(new Image(), {
            src: base + "/static/icon.svg",
            onload: () => done("shown"), onerror: () => done("refused") }))),
        ])"""
        assert there.evaluate(script, base) == ["refused", "refused", "refused"]
