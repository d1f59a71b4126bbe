import type { ReactNode } from "react";

import classes from "./Details.module.css";

/** One part of the details. */
export function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className={classes.section}>
      <h3 className={classes.heading}>{title}</h3>
      {children}
    </section>
  );
}
