/* style.c - how pictures and pages look, in light and in dark.
 *
 * The one place that knows colours.  Series take the eight of Okabe and Ito ("Color Universal Design", 2008), which people of
 * every kind of colour vision tell apart, darkened or lightened until each has a contrast of at least 3 : 1 on its paper (WCAG 2.1, 1.4.11);
 * words have 4.5 : 1 or more.  Rules of pictures name colours themselves and not by variables, which converters of SVG do
 * not know.  Fonts are the system's: nothing is loaded.
 *
 * Next: svg.c, page.c. */
#include "drawing.h"

/* A class of pictures: its colour on light and on dark paper. */
static const struct {
    const char *name, *light, *dark;
} colours[] = {
    {"ink", "#1c2127", "#e7eaee"},  {"faint", "#5f6873", "#9ba5b1"}, {"grid", "#e3e7eb", "#30363d"},
    {"good", "#0a7a52", "#4fc593"}, {"bad", "#b42318", "#ff8f85"},   {"s0", "#0b6cb0", "#58a9ee"},
    {"s1", "#c8500a", "#ff9152"},   {"s2", "#008a66", "#37c79c"},    {"s3", "#b24c8c", "#eb9ccb"},
    {"s4", "#a97400", "#f0b840"},   {"s5", "#2a8fb5", "#86dbf2"},    {"s6", "#7b7a00", "#dcd45e"},
    {"s7", "#6b7076", "#b9bfc7"},
};
static const char paper_light[] = "#ffffff", paper_dark[] = "#15191e";

static void add_colours(nas_text *text, bool dark)
{
    const char *paper = dark ? paper_dark : paper_light;
    const char *ink = dark ? colours[0].dark : colours[0].light;
    nas_text_format(text, "svg text,svg rect,svg circle{fill:%s}svg line,svg path{stroke:%s}\n",
                    ink, ink);
    for (size_t i = 0; i < sizeof colours / sizeof *colours; i++) {
        const char *name = colours[i].name, *colour = dark ? colours[i].dark : colours[i].light;
        nas_text_format(text,
                        "svg .%s{fill:%s}svg line.%s,svg path.%s{stroke:%s;fill:none}"
                        "svg .%s.wash{fill:%s;stroke:none}svg .%s.box{fill:%s;stroke:%s}\n",
                        name, colour, name, name, colour, name, colour, name, paper, colour);
    }
    nas_text_format(text, "svg .paper{fill:%s}svg circle{stroke:%s}\n", paper, paper);
}

void nas__style_picture(nas_text *text)
{
    nas_text_add(text, "svg{font:13px system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans',"
                       "'Liberation Sans',Arial,sans-serif;color-scheme:light dark}\n"
                       "svg line,svg path{fill:none;stroke-width:1.5;stroke-linejoin:round}"
                       "svg circle{stroke-width:.5}svg line.grid{stroke-width:1}\n"
                       "svg .strong{font-weight:600;font-size:14px}svg .small{font-size:11.5px}"
                       "svg .code{font-family:ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',"
                       "'Liberation Mono',monospace}\n");
    add_colours(text, false);
    nas_text_add(text, "svg .thick{stroke-width:2.25}svg .thin{stroke-width:1}"
                       "svg path.thin{stroke-opacity:.45}svg circle.faint{fill-opacity:.6}"
                       "svg .dash{stroke-dasharray:5 4}svg .wash{fill-opacity:.16}"
                       "svg .box{stroke-width:1.5}svg .unseen{fill-opacity:0;stroke:none}\n"
                       "@media screen and (prefers-color-scheme:dark){\n");
    add_colours(text, true);
    nas_text_add(text, "svg .unseen,svg .wash{stroke:none}}\n");
}

/* ---- pages ------------------------------------------------------------------------------------------------------ */

static void add_page_colours(nas_text *text, bool dark)
{
    nas_text_format(text,
                    ":root{--paper:%s;--ink:%s;--faint:%s;--rule:%s;--wash:%s;--link:%s;--good:%s;"
                    "--bad:%s}\n",
                    dark ? paper_dark : paper_light, dark ? colours[0].dark : colours[0].light,
                    dark ? colours[1].dark : colours[1].light, dark ? "#353c45" : "#dce0e5",
                    dark ? "#1d2329" : "#f6f7f9", dark ? colours[5].dark : colours[5].light,
                    dark ? colours[3].dark : colours[3].light,
                    dark ? colours[4].dark : colours[4].light);
}

static const char layout[] =
    ":root{color-scheme:light dark}\n"
    "*{box-sizing:border-box}\n"
    "html{-webkit-text-size-adjust:100%;scroll-behavior:smooth}\n"
    "body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"
    "'Segoe UI',Roboto,'Noto Sans','Liberation Sans',Arial,sans-serif;overflow-wrap:anywhere}\n"
    "header,main{max-width:1120px;margin:0 auto;padding:0 24px}main{padding-bottom:48px}\n"
    "header{padding-top:40px}\n"
    "h1{font-size:2rem;line-height:1.2;margin:0;letter-spacing:-.015em}\n"
    "h2{font-size:1.35rem;line-height:1.25;margin:0 0 8px;letter-spacing:-.01em}\n"
    "h3{font-size:1rem;margin:24px 0 8px}\n"
    "p{margin:0 0 12px;max-width:76ch}\n"
    "header p{color:var(--faint);font-size:1.05rem;margin:8px 0 0}\n"
    "a{color:var(--link);text-decoration:none}a:hover{text-decoration:underline}\n"
    "nav{margin-top:20px;font-size:.92rem}\n"
    "nav ul{list-style:none;display:flex;flex-wrap:wrap;gap:4px 20px;margin:0;padding:12px 0;"
    "border-top:1px solid var(--rule);border-bottom:1px solid var(--rule)}\n"
    "section{padding:32px 0 8px}\n"
    ".pictures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,440px),1fr));"
    "gap:20px;margin:16px 0}\n"
    "figure{margin:0;padding:14px 14px 10px;border:1px solid var(--rule);border-radius:10px;"
    "min-width:0;break-inside:avoid}\n"
    "figure.wide{grid-column:1/-1}\n"
    "@media (min-width:900px){figure:last-child:nth-child(odd):not(.wide){grid-column:1/-1;"
    "display:grid;grid-template-columns:minmax(0,1.5fr) minmax(0,1fr);gap:32px;"
    "align-items:center}}\n"
    "figure svg{display:block;width:100%;height:auto}\n"
    "figure .scroll{overflow-x:auto}figure.wide svg{width:auto;max-width:none;margin:0 auto}\n"
    "figcaption{color:var(--faint);font-size:.88rem;line-height:1.45;margin-top:8px}\n"
    ".table{overflow-x:auto;margin:12px 0 16px}\n"
    "table{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums}\n"
    "th{color:var(--faint);font-weight:600;text-align:left;white-space:nowrap}\n"
    "th,td{padding:6px 18px 6px 0;border-bottom:1px solid var(--rule);vertical-align:top;"
    "overflow-wrap:normal}\n"
    "td{max-width:760px;overflow-wrap:break-word;unicode-bidi:isolate}\n"
    ".number{text-align:right;white-space:nowrap}\n"
    "dl.facts{display:grid;grid-template-columns:minmax(110px,max-content) 1fr;gap:6px 24px;"
    "margin:12px 0 16px}\n"
    "dl.facts dt{color:var(--faint)}dl.facts dd{margin:0;min-width:0;unicode-bidi:isolate}\n"
    "dl.figures{display:flex;flex-wrap:wrap;gap:12px 40px;margin:24px 0 8px}\n"
    "dl.figures div{display:flex;flex-direction:column-reverse}\n"
    "dl.figures dd{margin:0;font-size:1.7rem;font-weight:600;line-height:1.2;letter-spacing:-.01em;"
    "font-variant-numeric:tabular-nums}\n"
    "dl.figures dt{color:var(--faint);font-size:.88rem}\n"
    "pre{background:var(--wash);border:1px solid var(--rule);border-radius:8px;padding:12px 14px;"
    "overflow-x:auto;font:13px/1.5 ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',"
    "'Liberation Mono',monospace;tab-size:4}\n"
    "details{margin:12px 0}summary{cursor:pointer;color:var(--link)}\n"
    "@media (max-width:600px){header,main{padding-left:16px;padding-right:16px}"
    "header{padding-top:24px}h1{font-size:1.55rem}section{padding-top:24px}figure{padding:10px}"
    "dl.facts{grid-template-columns:1fr;gap:0}dl.facts dd{margin-bottom:8px}"
    "dl.figures{gap:12px 28px}dl.figures dd{font-size:1.35rem}}\n"
    "@media print{nav{display:none}body{font-size:11pt}section{padding-top:14pt}"
    "h2,h3,summary{break-after:avoid}tr{break-inside:avoid}"
    "pre{white-space:pre-wrap}figure .scroll,.table{overflow:visible}"
    "figure.wide svg{width:100%}}\n";

void nas__style_page(nas_text *text)
{
    add_page_colours(text, false);
    nas_text_add(text, "@media screen and (prefers-color-scheme:dark){\n");
    add_page_colours(text, true);
    nas_text_add(text, "}\n");
    nas_text_add(text, layout);
}
