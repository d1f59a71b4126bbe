/** Stands in for parts of engine.io that are never reached (see vite.config.ts). */

function unused(): never {
  throw new Error("not in use");
}
export { unused as decode, unused as parse };
