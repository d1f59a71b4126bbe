/** Stands in for parts of engine.io that are never reached (see vite.config.ts): other transports, other addresses. */

function unused(): never {
  throw new Error("not in use");
}
export {
  unused as createPacketDecoderStream,
  unused as createPacketEncoderStream,
  unused as decodePayload,
  unused as encodePayload,
  unused as parse,
};
