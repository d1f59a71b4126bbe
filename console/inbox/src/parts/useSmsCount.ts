import { useDeferredValue, useEffect, useMemo, useState } from "react";

import { loadSmsCounter, type SmsCount, type SmsCounter } from "../format/segments";

export interface CountedText extends SmsCount {
  replaced: () => string;
}

/** Beyond this no sender takes a text, and counting it would only hold the keys up. */
const MOST = 5_000;

/** How `text` goes out as SMS; null where it does not (`on` is false), while the counter loads, and for no text. */
export function useSmsCount(text: string, on: boolean): CountedText | null {
  const [counter, setCounter] = useState<SmsCounter | null>(null);
  const counted = useDeferredValue(text);
  useEffect(() => {
    if (!on) return;
    let here = true;
    // Without it the text goes out all the same: whoever writes does not hear of it.
    loadSmsCounter().then((loaded) => here && setCounter(loaded), reportError);
    return () => {
      here = false;
    };
  }, [on]);
  return useMemo(() => {
    if (!on || !counter || counted === "" || counted.length > MOST) return null;
    return { ...counter.count(counted), replaced: () => counter.replaced(counted) };
  }, [on, counter, counted]);
}
