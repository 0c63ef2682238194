"""Pages: what reports and inspections share: SVG, HTML blocks, Markdown, wording and templates."""
