import { Button, UnstyledButton } from "@mantine/core";

import type { CountedText } from "../parts/useSmsCount";
import { useText } from "../text";
import classes from "./SmsHint.module.css";

interface SmsHintProps {
  counted: CountedText;
  /** Marks a character in the text. */
  find: (character: string) => void;
  replace: (text: string) => void;
}

/** More than these are not listed: an answer in Greek is no accident. */
const SHOWN = 6;

/** Which characters keep a text out of the SMS alphabet and what that costs; offers to replace what can be. */
export function SmsHint({ counted, find, replace }: SmsHintProps) {
  const { t, counted: count } = useText();
  const { wide, segments, segmentsReplaced, replaced } = counted;
  // A text that fits into one SMS either way costs nobody anything.
  if (wide.length === 0 || segments < 2) return null;
  const replaceable = wide.filter(({ replacement }) => replacement !== null);
  const saves = segmentsReplaced < segments;
  const shown = (saves ? replaceable : wide).slice(0, SHOWN);
  return (
    <div className={classes.hint} role="group" aria-label={t("sms.alphabet")}>
      <span className={classes.characters}>
        {shown.map(({ character }) => (
          <UnstyledButton key={character} className={classes.character} aria-label={t("sms.find", { character })} onClick={() => find(character)}>
            {character}
          </UnstyledButton>
        ))}
        {wide.length > shown.length && !saves && "…"}
      </span>
      <span className={classes.words}>{saves ? count("sms.dear", segments) : count("sms.wide", segments)}</span>
      {saves && (
        <Button size="compact-xs" variant="light" onClick={() => replace(replaced())}>
          {count("sms.replace", segmentsReplaced)}
        </Button>
      )}
    </div>
  );
}
