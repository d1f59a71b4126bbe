/** Stands in for engine.io-client's search for a global object and for promises (see vite.config.ts): both are there. */
export const globalThisShim = globalThis;
export const nextTick = queueMicrotask;
export const defaultBinaryType = "arraybuffer";
export const createCookieJar = (): void => undefined;
