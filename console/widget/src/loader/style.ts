/** The launcher's and the panel's looks. Nothing of the shop's own style reaches in here, and none of this gets out. */
export const style = `
:host{all:initial;color-scheme:light dark;--accent:#0b6b5d;--paper:#fff;--ink:#15211f}
@media (prefers-color-scheme:dark){:host{--accent:#5fd4bf;--paper:#101816;--ink:#e8f0ee}}
button,p{font:16px/1.4 system-ui,sans-serif}
button{cursor:pointer;border:0;padding:10px 18px;border-radius:30px;color:#fff;background:#0b6b5d}
button:focus-visible{outline:3px solid var(--accent);outline-offset:3px}
:host>button,dialog{position:fixed;z-index:2147483000;right:20px;bottom:20px;box-shadow:0 6px 24px #0005}
:host>button{width:60px;height:60px;padding:16px}
svg{fill:none;stroke:currentColor;stroke-width:2;stroke-linecap:round;stroke-linejoin:round}
span{position:absolute;top:-4px;right:-4px;padding:3px 8px;border-radius:30px;background:#c8102e;color:#fff;
font-size:13px;font-weight:700}
span:empty{display:none}
dialog{left:auto;bottom:92px;width:400px;height:min(660px,100vh - 112px);max-width:none;max-height:none;margin:0;padding:0;
border:0;border-radius:16px;overflow:hidden;color:var(--ink);background:var(--paper)}
dialog[open]{animation:rise .2s}
@keyframes rise{from{opacity:0;transform:translateY(12px)}}
iframe{position:absolute;inset:0;width:100%;height:100%;border:0;opacity:0}
.ready iframe{opacity:1}
p{margin:0;height:100%;display:grid;gap:12px;place-content:center;justify-items:center;text-align:center}
@media (max-width:520px),(max-height:520px){dialog{inset:0;width:100%;height:100dvh;border-radius:0}}
@media (prefers-reduced-motion){dialog{animation:none!important}}
@media print{:host{display:none}}
`;
