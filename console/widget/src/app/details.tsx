/** The pre-chat form: what the inbox wants to know before the first message. The hub knows which telephone numbers exist. */
import { Component, createRef } from "preact";
import { Failure, reason } from "./hub";
import type { Props } from "./screen";
import { TextUs } from "./textus";

type Field = "name" | "email" | "phone";
// Typed as one kind: the types of an input's attributes want to know which it is before the program runs.
const TYPES = { name: "text", email: "email", phone: "tel" } as unknown as Record<Field, "text">;

interface Answer {
  problem: string;
  /** Which field it is about. */
  field?: string | null | undefined;
  busy: boolean;
}

export class Details extends Component<Props, Answer> {
  override state: Answer = { problem: "", busy: false };
  private readonly form = createRef<HTMLFormElement>();

  override componentDidMount(): void {
    if (document.hasFocus()) this.form.current?.querySelector("input")?.focus();
  }

  private async submit(form: HTMLFormElement): Promise<void> {
    this.setState({ problem: "", field: null, busy: true });
    try {
      await this.props.chat.submitDetails(Object.fromEntries(new FormData(form)));
    } catch (error) {
      const { words } = this.props;
      const field = error instanceof Failure ? error.field : null;
      this.setState({ problem: field === "phone" ? words.phoneRule : reason(error) || words.unreachable, field, busy: false });
      form.querySelector<HTMLElement>(`[name=${field ?? "_"}]`)?.focus();
    }
  }

  override render({ state: { settings, language }, words }: Props, { problem, field, busy }: Answer) {
    return (
      <form
        class="details"
        ref={this.form}
        onSubmit={(event) => {
          event.preventDefault();
          void this.submit(event.currentTarget);
        }}
      >
        <p class="bubble">{settings?.greeting[language]}</p>
        <TextUs {...{ settings, words }} />
        <h2>{words.about}</h2>
        {settings?.pre_chat.map(({ name, required }) => (
          <label key={name}>
            {words[name]} {!required && `(${words.optional})`}
            <input
              data-focus
              name={name}
              type={TYPES[name]}
              autoComplete={name === "phone" ? "tel" : name}
              required={required}
              aria-invalid={name === field}
              aria-describedby={name === field ? "problem" : undefined}
              {...(name === "phone" && { placeholder: "+34 600 123 456" })}
            />
          </label>
        ))}
        <p class="error" id="problem" role="alert">
          {problem}
        </p>
        <button class="begin" disabled={busy}>
          {words.begin}
        </button>
      </form>
    );
  }
}
