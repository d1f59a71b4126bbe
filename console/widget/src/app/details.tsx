/** The pre-chat form: what the inbox wants to know before the first message. */
import { useRef, useState } from "preact/hooks";
import type { Chat } from "./chat";
import { Failure } from "./hub";
import type { State } from "./store";
import type { Details as Answers, Settings } from "./types";
import type { Words } from "./words";

type Field = Settings["pre_chat"][number];
const TYPES = { name: "text", email: "email", phone: "tel" };
const AUTOCOMPLETE = { name: "name", email: "email", phone: "tel" } as const;

export function Details({ chat, state, words }: { chat: Chat; state: State; words: Words }) {
  const fields = state.settings?.pre_chat ?? [];
  const form = useRef<HTMLFormElement>(null);
  const [problems, setProblems] = useState<Answers>({});
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);

  async function submit() {
    const given = new FormData(form.current ?? undefined);
    const answers: Answers = {};
    const wrong: Answers = {};
    for (const field of fields) {
      const value = String(given.get(field.name) ?? "").trim();
      const why = objection(field, value, words);
      if (why) wrong[field.name] = why;
      if (value) answers[field.name] = value;
    }
    setProblems(wrong);
    setProblem("");
    const first = fields.find(({ name }) => wrong[name]);
    if (first) return form.current?.querySelector<HTMLElement>(`[name=${first.name}]`)?.focus();
    setBusy(true);
    try {
      await chat.submitDetails(answers);
    } catch (error) {
      setProblem((error instanceof Failure && error.refused && error.message) || words.unreachable);
    }
    setBusy(false);
  }

  return (
    <form
      class="details"
      ref={form}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <p class="greeting">{state.settings?.greeting[state.language]}</p>
      <h2>{words.about}</h2>
      <p>{words.aboutText}</p>
      {fields.map(({ name, required }, index) => (
        <label key={name}>
          <span>
            {words[name]} {!required && <small>({words.optional})</small>}
          </span>
          <input
            name={name}
            type={TYPES[name]}
            autoComplete={AUTOCOMPLETE[name]}
            required={required}
            aria-invalid={!!problems[name]}
            aria-describedby={`${name}-problem`}
            {...(index === 0 && { "data-focus": true })}
          />
          <span class="error" id={`${name}-problem`}>
            {problems[name]}
          </span>
        </label>
      ))}
      <p class="error" role="alert">
        {problem}
      </p>
      <button class="begin" disabled={busy}>
        {words.begin}
      </button>
    </form>
  );
}

function objection({ name, required }: Field, value: string, words: Words): string | null {
  if (!value) return required ? words.required : null;
  if (name === "email" && !/^[^@\s]+@[^@\s.]+(\.[^@\s.]+)+$/.test(value)) return words.wrongEmail;
  if (name === "phone" && !/^\+[1-9]\d{6,14}$/.test(value.replace(/[\s().-]/g, ""))) return words.wrongPhone;
  return null;
}
