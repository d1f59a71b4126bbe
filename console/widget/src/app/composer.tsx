/** Where the customer writes and attaches. */
import { Component, createRef } from "preact";
import { FILES_PER_MESSAGE, objection } from "./files";
import { reason } from "./hub";
import { Icon } from "./icon";
import type { Props } from "./screen";
import type { Attachment } from "./types";

interface Chosen {
  file: File;
  stored?: Attachment;
}

interface Draft {
  text: string;
  chosen: Chosen[];
  problem: string;
}

const EMPTY: Draft = { text: "", chosen: [], problem: "" };

export class Composer extends Component<Props, Draft> {
  override state = EMPTY;
  private readonly field = createRef<HTMLTextAreaElement>();
  private readonly picker = createRef<HTMLInputElement>();

  override componentDidMount(): void {
    // Whoever has just filled in the form, or opened the panel before the chat was there, wants to write.
    if (document.hasFocus()) this.field.current?.focus();
  }

  override componentDidUpdate(_: Props, { text }: Draft): void {
    const field = this.field.current;
    if (!field || text === this.state.text) return;
    field.style.height = "auto";
    field.style.height = `${field.scrollHeight}px`;
    this.props.chat.typing(!!this.state.text);
  }

  private async add(files: Iterable<File>): Promise<void> {
    const { chat, words, state } = this.props;
    if (!state.settings) return;
    this.setState({ problem: "" });
    let room = FILES_PER_MESSAGE - this.state.chosen.length;
    for (const file of files) {
      const why = room-- > 0 ? objection(file, state.settings, words, state.language) : words.tooMany;
      if (why) {
        this.setState({ problem: why });
        continue;
      }
      this.setState(({ chosen }) => ({ chosen: [...chosen, { file }] }));
      try {
        const stored = await chat.upload(file);
        this.setState(({ chosen }) => ({ chosen: chosen.map((each) => (each.file === file ? { file, stored } : each)) }));
      } catch (error) {
        this.remove(file);
        this.setState({ problem: `${file.name}: ${reason(error) || words.unreachable}` });
      }
    }
  }

  private remove(file: File): void {
    this.setState(({ chosen }) => ({ chosen: chosen.filter((each) => each.file !== file) }));
  }

  private over(): number {
    return this.state.text.length - (this.props.state.settings?.text_limit ?? Infinity);
  }

  private ready(): boolean {
    const { text, chosen } = this.state;
    return !!(text.trim() || chosen.length) && this.over() <= 0 && chosen.every(({ stored }) => stored);
  }

  private send(): void {
    if (!this.ready()) return;
    const { text, chosen } = this.state;
    this.props.chat.send(
      text.trim(),
      chosen.flatMap(({ stored }) => stored ?? []),
    );
    this.setState(EMPTY);
    this.field.current?.focus();
  }

  override render({ words, state: { settings } }: Props, { text, chosen, problem }: Draft) {
    const over = this.over();
    return (
      <form
        class="composer"
        onSubmit={(event) => {
          event.preventDefault();
          this.send();
        }}
      >
        {chosen.map(({ file, stored }) => (
          <div class="file" key={file}>
            <span>{file.name}</span>
            {stored ? "" : words.uploading}
            <button
              type="button"
              class="plain"
              aria-label={`${words.remove}: ${file.name}`}
              onClick={() => this.remove(file)}
            >
              <Icon name="close" />
            </button>
          </div>
        ))}
        <p class="error" role="alert">
          {over > 0 ? words.tooLong(over) : problem}
        </p>
        <div class="field">
          <button type="button" class="plain" aria-label={words.attach} onClick={() => this.picker.current?.click()}>
            <Icon name="clip" />
          </button>
          <input
            ref={this.picker}
            type="file"
            hidden
            multiple
            accept={settings?.media_types.join()}
            onChange={({ currentTarget }) => {
              void this.add([...(currentTarget.files ?? [])]);
              currentTarget.value = "";
            }}
          />
          <textarea
            ref={this.field}
            data-focus
            rows={1}
            aria-label={words.write}
            placeholder={words.write}
            value={text}
            onInput={({ currentTarget }) => this.setState({ text: currentTarget.value })}
            onPaste={(event) => {
              const files = event.clipboardData?.files;
              if (!files?.length) return;
              event.preventDefault();
              void this.add([...files]);
            }}
            onKeyDown={(event) => {
              if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
              event.preventDefault();
              this.send();
            }}
          />
          <button class="send" aria-label={words.send} disabled={!this.ready()}>
            <Icon name="send" />
          </button>
        </div>
      </form>
    );
  }
}
