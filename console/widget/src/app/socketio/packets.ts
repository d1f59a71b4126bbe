/**
 * Stands in for engine.io-parser (see vite.config.ts): packets of text alone, as the hub sends and takes them.
 * Source of the format: the Engine.IO protocol, revision 4, "Packet encoding".
 */
export { createPacketDecoderStream, createPacketEncoderStream, decodePayload, encodePayload } from "./unused";

const TYPES = ["open", "close", "ping", "pong", "message", "upgrade", "noop"];

interface Packet {
  type: string;
  data?: string;
}

export const protocol = 4;

export function encodePacket({ type, data }: Packet, _binary: boolean, give: (encoded: string) => void): void {
  give(`${TYPES.indexOf(type)}${data ?? ""}`);
}

export function decodePacket(encoded: string): Packet {
  const type = TYPES[+encoded.charAt(0)];
  return type ? { type, data: encoded.slice(1) } : { type: "error", data: "parser error" };
}
