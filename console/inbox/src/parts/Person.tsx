import type { CSSProperties } from "react";

import { IconUser } from "./icons";
import classes from "./Person.module.css";

const HUES = 12;

/** A steady hue per person, so that faces of the list are told apart at a glance. */
function hue(id: string): number {
  let sum = 0;
  for (const character of id) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) % 9973;
  return (sum % HUES) * (360 / HUES);
}

export function initials(name: string): string {
  const words = name.trim().split(/\s+/).filter(Boolean);
  const letters = words.length > 1 ? [words[0], words.at(-1)] : [words[0]];
  return letters.map((word) => String.fromCodePoint(word?.codePointAt(0) ?? 32).toLocaleUpperCase().trim()).join("") || "?";
}

/** Decorative: the name stands beside it. */
export function Person({ id, name, size = 36 }: { id: string; name: string; size?: number }) {
  return (
    <span
      aria-hidden
      className={classes.person}
      style={{ "--hue": hue(id), width: size, height: size, fontSize: size * 0.38 } as CSSProperties}
    >
      {/\p{L}/u.test(name) ? initials(name) : <IconUser size={size * 0.55} />}
    </span>
  );
}
