/** The pre-chat form: what the inbox wants to know before the first message. The browser itself checks the fields. */
import { Component, createRef } from "preact";
import { reason } from "./hub";
import type { Props } from "./screen";

type Field = "name" | "email" | "phone";
// Typed as one kind: the types of an input's attributes want to know which it is before the program runs.
const TYPES = { name: "text", email: "email", phone: "tel" } as unknown as Record<Field, "text">;

export class Details extends Component<Props, { problem: string; busy: boolean }> {
  override state = { problem: "", busy: false };
  private readonly form = createRef<HTMLFormElement>();

  override componentDidMount(): void {
    if (document.hasFocus()) this.form.current?.querySelector("input")?.focus();
  }

  private async submit(form: HTMLFormElement): Promise<void> {
    this.setState({ problem: "", busy: true });
    try {
      await this.props.chat.submitDetails(Object.fromEntries(new FormData(form)));
    } catch (error) {
      this.setState({ problem: reason(error) || this.props.words.unreachable, busy: false });
    }
  }

  override render({ state: { settings, language }, words }: Props, { problem, busy }: { problem: string; busy: boolean }) {
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
              {...(name === "phone" && { pattern: "\\+[\\d\\s().\\-]{7,}", title: words.phoneRule, placeholder: "+34 600 123 456" })}
            />
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
}
