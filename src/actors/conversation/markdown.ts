import MarkdownIt from "markdown-it";

/**
 * Markdown as agents write it, to the HTML that Matrix clients show. Raw HTML in the text is shown as text, and links
 * lead only where markdown-it allows (no `javascript:`), so that an agent cannot put markup of its own into a client.
 */
export class Markdown {
  readonly #markdown = new MarkdownIt({ html: false, linkify: true, breaks: true });

  /** `undefined` when the HTML would say nothing more than the text itself. */
  html(text: string): string | undefined {
    const html = this.#markdown.render(text).trim();
    const plain = `<p>${this.#markdown.utils.escapeHtml(text)}</p>`;
    return html === plain ? undefined : html;
  }
}
