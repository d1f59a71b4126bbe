/** Stands in for socket.io-parser's handling of binary packets (see vite.config.ts): there are none. */

export const hasBinary = () => false;
export const isBinary = hasBinary;

export function deconstructPacket(): never {
  throw new Error("binary packets are not in use");
}
export const reconstructPacket = deconstructPacket;
