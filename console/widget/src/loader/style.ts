/** The launcher's and the panel's looks. Nothing of the shop's own style reaches in here, and none of this gets out. */
export const style = `
:host{all:initial;color-scheme:light dark;--accent:#0b6b5d;--on:#fff;--paper:#fff;--ink:#15211f}
@media (prefers-color-scheme:dark){:host{--accent:#5fd4bf;--on:#06231e;--paper:#101816;--ink:#e8f0ee}}
button{font:600 16px/1.4 system-ui,sans-serif;cursor:pointer;border:0;color:var(--on);background:var(--accent)}
button:focus-visible{outline:3px solid var(--accent);outline-offset:3px}
.launcher{position:fixed;z-index:2147483000;right:20px;bottom:20px;width:60px;height:60px;border-radius:50%;padding:0;
box-shadow:0 6px 24px #0004;display:grid;place-items:center;transition:transform .15s}
.launcher:hover{transform:scale(1.05)}
svg{width:28px;height:28px;fill:none;stroke:currentColor;stroke-width:2;stroke-linecap:round;stroke-linejoin:round}
.badge{position:absolute;top:-4px;right:-4px;min-width:24px;height:24px;box-sizing:border-box;padding:0 6px;
border-radius:12px;background:#c8102e;color:#fff;font:700 13px/24px system-ui,sans-serif;text-align:center}
.badge:empty{display:none}
dialog{position:fixed;z-index:2147483000;inset:auto 20px 92px auto;width:400px;height:min(660px,100vh - 112px);
margin:0;padding:0;border:0;border-radius:16px;overflow:hidden;color:var(--ink);background:var(--paper);
box-shadow:0 12px 48px #0005;max-width:none;max-height:none}
dialog[open]{animation:rise .18s ease-out}
@keyframes rise{from{opacity:0;transform:translateY(12px)}}
iframe{position:absolute;inset:0;width:100%;height:100%;border:0;opacity:0}
.ready iframe{opacity:1}
.ready p{display:none}
p{margin:0;height:100%;display:grid;gap:12px;place-content:center;justify-items:center;padding:24px;text-align:center;
font:16px/1.4 system-ui,sans-serif}
p button{padding:10px 18px;border-radius:8px}
@media (max-width:520px),(max-height:520px){dialog{inset:0;width:100%;height:100%;height:100dvh;border-radius:0}}
@media (prefers-reduced-motion:reduce){*{animation:none!important;transition:none!important}}
@media print{.launcher,dialog{display:none}}
`;
