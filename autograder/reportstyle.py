"""How the class report looks: light, dark, and on paper."""

STYLE = """
:root { color-scheme: light dark; --text: #1b1b1b; --page: #fff; --card: #f6f7f9; --line: #0002; --soft: #5b6470;
  --accent: #1f6fb2; --full: #1f6fb2; --part: #7fb3dc; --wrong: #c2571a; --unwritten: #c9ced6; --unchecked: #6d4a9c;
  --warn: #9a5b00; --link: #0b57d0; }
@media (prefers-color-scheme: dark) { :root { --text: #e6e6e6; --page: #16181c; --card: #1f2328; --line: #fff2;
  --soft: #a2abb7; --accent: #6db1ea; --full: #6db1ea; --part: #33658c; --wrong: #e58a4e; --unwritten: #434a54;
  --unchecked: #b292de; --warn: #f0b357; --link: #8ab4f8; } }
* { box-sizing: border-box; }
body { font: 16px/1.55 system-ui, sans-serif; color: var(--text); background: var(--page); max-width: 64rem;
  margin: 2rem auto 4rem; padding: 0 1rem; overflow-wrap: break-word; }
a { color: var(--link); } a:focus-visible, summary:focus-visible, .wide:focus-visible { outline: 3px solid var(--accent); }
h1 { line-height: 1.2; margin: 0 0 .2rem; font-size: 1.9rem; text-wrap: balance; }
h2 { margin: 2.6rem 0 .6rem; font-size: 1.4rem; border-bottom: 2px solid var(--line); padding-bottom: .2rem; }
h3 { margin: 1.6rem 0 .3rem; font-size: 1.1rem; }
p { max-width: 46rem; margin: .5rem 0; }
.quiet, caption { color: var(--soft); }
.tiles { display: flex; flex-wrap: wrap; gap: .8rem; margin: 1.2rem 0; padding: 0; list-style: none; }
.tiles li { background: var(--card); border-radius: 8px; padding: .6rem 1rem; min-width: 8rem; }
.tiles b { display: block; font-size: 1.6rem; line-height: 1.25; font-variant-numeric: tabular-nums; }
nav ul { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; padding: 0; list-style: none; margin: .6rem 0; }
.note { border-left: 4px solid var(--warn); background: var(--card); padding: .5rem .9rem; margin: .8rem 0; max-width: 46rem; }
.wide { overflow-x: auto; margin: .6rem 0; }
table { border-collapse: collapse; }
caption { text-align: left; padding-bottom: .3rem; }
th, td { text-align: left; padding: .3rem .9rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { font-weight: 600; } tbody th { font-weight: normal; }
tbody th b { font-weight: 600; }
thead th { vertical-align: bottom; line-height: 1.3; }
.n { text-align: right; font-variant-numeric: tabular-nums; } td.n, th.name { white-space: nowrap; }
th.what { min-width: 15rem; } td.words { min-width: 13rem; }
tr.flag td.words { color: var(--warn); font-weight: 600; }
.badge { border: 1px solid var(--soft); border-radius: 4px; color: var(--soft); font-size: .8em; padding: 0 .3em;
  white-space: nowrap; }
.card { background: var(--card); border-radius: 8px; padding: .8rem 1rem; margin: .9rem 0; }
.card h3 { margin: 0; font-size: 1.02rem; } .card p { margin: .35rem 0; }
.hint { border-left: 4px solid var(--accent); padding-left: .7rem; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(26rem, 100%), 1fr)); gap: 0 1rem; }
.pair > div { min-width: 0; }
.label { font-size: .9em; color: var(--soft); margin: .5rem 0 0; }
pre { background: var(--page); border: 1px solid var(--line); padding: .6rem .8rem; border-radius: 6px; margin: .3rem 0;
  font: 13.5px/1.45 ui-monospace, Menlo, Consolas, monospace; white-space: pre-wrap; overflow-wrap: anywhere; tab-size: 4; }
code { font: .9em ui-monospace, Menlo, Consolas, monospace; } pre code { font: inherit; }
details.more { margin: .8rem 0; } details.more > summary { padding: .3rem 0; }
summary { cursor: pointer; color: var(--link); }
svg { display: block; max-width: 100%; height: auto; }
svg.share, svg.stack { display: inline-block; vertical-align: middle; max-width: none; }
svg text { fill: var(--text); font: 12px system-ui, sans-serif; } svg .tick { fill: var(--soft); font-size: 11px; }
svg .label { font-weight: 600; } .grid { stroke: var(--line); }
.bar { fill: var(--accent); } .rest { fill: var(--line); } .box { fill: var(--part); opacity: .75; }
.whisker { stroke: var(--soft); stroke-width: 2; } .median { stroke: var(--text); stroke-width: 3; }
.mean { stroke: var(--wrong); stroke-width: 2; stroke-dasharray: 5 4; } .reach { stroke: var(--soft); stroke-dasharray: 2 3; }
.dot { fill: var(--accent); opacity: .45; }
.full { fill: var(--full); } .part { fill: var(--part); } .wrong { fill: var(--wrong); }
.unwritten { fill: var(--unwritten); } .unchecked { fill: var(--unchecked); }
.key { display: inline-block; width: .8em; height: .8em; border-radius: 2px; margin-right: .35em; vertical-align: -.05em; }
.legend { display: flex; flex-wrap: wrap; gap: .1rem 1.2rem; padding: 0; list-style: none; margin: .3rem 0; font-size: .9em; }
@media print { body { max-width: none; margin: 0; font-size: 10.5pt; } nav { display: none; } h2 { break-after: avoid; }
  h3, caption { break-after: avoid; } tr, pre, .card h3, .tiles li, svg { break-inside: avoid; } a { color: inherit; text-decoration: none; }
  .wide { overflow: visible; } details.source > summary { display: none; } .dense { font-size: 7.5pt; }
  .dense th, .dense td { padding: .15rem .4rem .15rem 0; }
  :root { --text: #000; --page: #fff; --card: #f4f4f4; --line: #0003; --soft: #444; --accent: #1f6fb2; --full: #1f6fb2;
    --part: #7fb3dc; --wrong: #c2571a; --unwritten: #c9ced6; --unchecked: #6d4a9c; --warn: #7a4800; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  details.source:not([open])::details-content { content-visibility: visible; display: block; block-size: auto; opacity: 1; } }
"""
