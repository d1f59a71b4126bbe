import { notifications } from "@mantine/notifications";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { explain } from "../actions/explain";
import { useText } from "../text";

/** Runs a call, says what went wrong, and reads anew what it has changed. */
export function useDo(...changed: (readonly unknown[])[]) {
  const client = useQueryClient();
  const text = useText();
  const [busy, setBusy] = useState(false);

  async function run<Result>(call: () => Promise<Result>): Promise<Result | null> {
    setBusy(true);
    try {
      const result = await call();
      await Promise.all(changed.map((queryKey) => client.invalidateQueries({ queryKey })));
      return result;
    } catch (error) {
      notifications.show({ message: explain(error, text), color: "red", autoClose: 8_000 });
      return null;
    } finally {
      setBusy(false);
    }
  }

  return { run, busy };
}
