import { useEffect } from "react";

/** What the browser's tab says, with the number of waiting customers in front. */
export function usePageTitle(title: string, waiting = 0): void {
  useEffect(() => {
    document.title = `${waiting > 0 ? `(${String(waiting)}) ` : ""}${title} · Centralita`;
  }, [title, waiting]);
}
