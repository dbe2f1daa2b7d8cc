import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { Markdown } from "../../../src/actors/conversation/markdown.ts";
import { anyText } from "../any-text.ts";

// Much is tried here: on a busy machine it takes its time.
vi.setConfig({ testTimeout: 60_000 });

const markdown = new Markdown();

/** Names of the tags in the HTML that are not markdown's own. */
function strangeTags(html: string): string[] {
  return [...html.matchAll(/<\/?([^\s>/]+)/g)].map(([, name = ""]) => name).filter((name) => !known.has(name));
}

const known = new Set(
  "p br em strong s code pre blockquote ul ol li a img hr table thead tbody tr th td h1 h2 h3 h4 h5 h6".split(" "),
);

describe("markdown", () => {
  test("becomes what clients show", () => {
    expect(markdown.html("**bold** and `code`")).toBe("<p><strong>bold</strong> and <code>code</code></p>");
    expect(markdown.html("one\ntwo")).toBe("<p>one<br>\ntwo</p>");
    expect(markdown.html("see https://matrix.org")).toBe(
      '<p>see <a href="https://matrix.org">https://matrix.org</a></p>',
    );
  });

  test("that says no more than the text needs no HTML", () => {
    for (const text of ["hello", "a < b & c", 'it\'s "quoted"']) expect(markdown.html(text)).toBeUndefined();
  });

  test.each([
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<b>bold</b>",
    "a <iframe src='https://evil'></iframe> b",
    "<!-- a comment -->",
    "<a href='javascript:alert(1)'>x</a>",
    "<mx-reply>fake</mx-reply>",
    "&lt;script&gt; <svg/onload=alert(1)>",
  ])("lets no HTML through: %s", (text) => {
    expect(strangeTags(markdown.html(`${text} **x**`) ?? "")).toEqual([]);
  });

  test.each([
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](java&#10;script:alert(1))",
    "[x](vbscript:x)",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "![x](javascript:alert(1))",
    "<javascript:alert(1)>",
    "[x]: javascript:alert(1)\n\n[x]",
    '[x](https://ok "\\" onmouseover=\\"alert(1)")',
  ])("makes no link that runs something: %s", (text) => {
    const html = markdown.html(`${text} **y**`) ?? "";
    expect(html).not.toMatch(/(href|src)="\s*(javascript|vbscript|data:text)/i);
    expect(html.replace(/"[^"]*"/g, '""')).not.toMatch(/\son\w+=/i);
  });

  test("never fails, and never gives a tag that is not its own", () => {
    const piece = fc.oneof(
      anyText(10),
      fc.constantFrom(
        "<",
        ">",
        "[a](",
        "](",
        ")",
        "`",
        "```\n",
        "**",
        "_",
        "\n",
        "> ",
        "- ",
        "| a | b |\n|---|---|\n",
        "javascript:",
        "![",
        "&#",
        "http://",
        "\ud800",
      ),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        const html = markdown.html(pieces.join("")) ?? "";
        expect(strangeTags(html)).toEqual([]);
        expect(html).not.toMatch(/(href|src)="javascript/i);
      }),
      { numRuns: 500 },
    );
  });
});
