/**
 * Leaves out of the Socket.IO client what this chat never reaches and no bundler can see: methods of a class are kept
 * by all of them. The build fails where a name is not found, so that a new version of the library is looked at again.
 */
import type { Plugin } from "vite";

/** By module: long polling's upgrade; sending with acknowledgement, with retries, to "any" listeners. */
const METHODS: Record<string, string[]> = {
  "engine.io-client/build/esm/socket.js": ["_probe"],
  "socket.io-parser/build/esm/index.js": ["encodeAsBinary"],
  "socket.io-client/build/esm/socket.js": [
    ...["send", "compress", "timeout", "emitWithAck", "_addToQueue", "_registerAckCallback"],
    ...["onAny", "prependAny", "offAny", "listenersAny"],
    ...["onAnyOutgoing", "prependAnyOutgoing", "offAnyOutgoing", "listenersAnyOutgoing"],
  ],
};

/** A namespace that is passed on as a value keeps everything in it; the manager wants two classes. */
const NAMESPACE = {
  module: "socket.io-client/build/esm/manager.js",
  whole: 'import * as parser from "socket.io-parser";',
  part: 'import { Encoder, Decoder } from "socket.io-parser";\nconst parser = { Encoder, Decoder };',
};

export function slimSocketIo(): Plugin {
  return {
    name: "slim-socket-io",
    transform(code, id) {
      if (id.endsWith(NAMESPACE.module)) {
        if (!code.includes(NAMESPACE.whole)) this.error(`${NAMESPACE.module} imports its parser in another way`);
        return { code: code.replace(NAMESPACE.whole, NAMESPACE.part), map: null };
      }
      const module = Object.keys(METHODS).find((each) => id.endsWith(each));
      if (!module) return null;
      const unwanted = new Set(METHODS[module]);
      const cuts: [number, number][] = [];
      for (const statement of this.parse(code).body) {
        const declared = statement.type === "ExportNamedDeclaration" ? statement.declaration : statement;
        if (declared?.type !== "ClassDeclaration") continue;
        for (const member of declared.body.body)
          if (member.type === "MethodDefinition" && member.key.type === "Identifier" && unwanted.delete(member.key.name))
            cuts.push([member.start, member.end]);
      }
      if (unwanted.size) this.error(`${module} has no ${[...unwanted].join(", ")}`);
      return { code: cuts.reduceRight((slim, [start, end]) => slim.slice(0, start) + slim.slice(end), code), map: null };
    },
  };
}
