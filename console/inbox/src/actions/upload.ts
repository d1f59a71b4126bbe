import type { AttachmentOut } from "@centralita/shared/api";
import { useRef, useState } from "react";

import { HubError } from "../api/http";
import * as hub from "../api/hub";

export interface Upload {
  key: string;
  file: File;
  /** 0 to 1. */
  progress: number;
  done: AttachmentOut | null;
  error: HubError | null;
}

const MOST = 10;

/** The files that are being attached to the message under the agent's hands. */
export function useUploads() {
  const [uploads, setUploads] = useState<Upload[]>([]);
  const running = useRef(new Map<string, AbortController>());

  const update = (key: string, change: Partial<Upload>) =>
    setUploads((all) => all.map((one) => (one.key === key ? { ...one, ...change } : one)));

  async function begin(upload: Upload) {
    const controller = new AbortController();
    running.current.set(upload.key, controller);
    try {
      const done = await hub.upload(upload.file, (progress) => update(upload.key, { progress }), controller.signal);
      update(upload.key, { done, progress: 1 });
    } catch (error) {
      if (!(error instanceof HubError)) throw error;
      update(upload.key, { error });
    } finally {
      running.current.delete(upload.key);
    }
  }

  function add(files: Iterable<File>) {
    const fresh = [...files]
      .slice(0, MOST - uploads.length)
      .map((file) => ({ key: crypto.randomUUID(), file, progress: 0, done: null, error: null }));
    setUploads((all) => [...all, ...fresh]);
    for (const upload of fresh) void begin(upload);
  }

  function remove(key: string) {
    running.current.get(key)?.abort();
    setUploads((all) => all.filter((one) => one.key !== key));
  }

  function clear() {
    for (const controller of running.current.values()) controller.abort();
    setUploads([]);
  }

  return { uploads, add, remove, clear };
}
