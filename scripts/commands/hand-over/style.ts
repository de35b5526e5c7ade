/** The page's style: one column, for phones and paper, light and dark. The QR code is black on white in both. */
export const STYLE = `
:root { color-scheme: light dark; --back: #fff; --text: #1c1e21; --line: #d0d4da; --mark: #8a5a00; --act: #88171a; }
@media (prefers-color-scheme: dark) {
  :root { --back: #16181b; --text: #e8eaed; --line: #3c4148; --mark: #e8b350; --act: #f2898b; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--text); font: 17px/1.5 system-ui, sans-serif; }
main { max-width: 36rem; margin: 0 auto; padding: 1rem 1rem 3rem; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.25; }
h2 { font-size: 1.15rem; margin-top: 2rem; }
.warning { border-left: 4px solid var(--mark); padding-left: .75rem; }
.code { background: #fff; width: min(100%, 22rem); margin: 1.25rem auto .5rem; border-radius: 8px; overflow: hidden; }
.code svg { display: block; width: 100%; height: auto; }
.hint { text-align: center; font-size: .9rem; }
.button { display: block; padding: .75rem; border: 2px solid var(--act); border-radius: 8px; color: var(--act); font-weight: 600; text-align: center; text-decoration: none; }
details { border-bottom: 1px solid var(--line); }
summary { padding: .7rem 0; cursor: pointer; font-weight: 600; }
ol, ul { margin: 0 0 1rem; padding-left: 1.5rem; }
li { margin: .3rem 0; }
code, pre { font: .85rem/1.45 ui-monospace, monospace; }
pre { margin: 0 0 1rem; padding: .75rem; border: 1px solid var(--line); border-radius: 8px; white-space: pre-wrap; }
`;
