import type { Way } from "../session/ways";
import { useText } from "../text";
import classes from "./LetterHint.module.css";

/** To whom and about what an answer by mail goes out; both follow from the conversation. */
export function LetterEnvelope({ way }: { way: Way }) {
  const { t } = useText();
  if (!way.letter) return null;
  return (
    <dl className={classes.envelope}>
      <div>
        <dt>{t("mail.to")}</dt>
        <dd>{way.address}</dd>
      </div>
      <div>
        <dt>{t("mail.subject")}</dt>
        <dd>{way.letter.subject}</dd>
      </div>
    </dl>
  );
}

/** What is put under the answer by itself, so that nobody signs twice. */
export function LetterSignature({ way }: { way: Way }) {
  const { t } = useText();
  if (!way.letter || way.letter.signature === "") return null;
  return (
    <p className={classes.signature}>
      <span className={classes.soft}>{t("mail.signature")}</span> {way.letter.signature.split("\n").join(" · ")}
    </p>
  );
}
