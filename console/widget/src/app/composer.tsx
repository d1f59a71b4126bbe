/** Where the customer writes and attaches. */
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Chat } from "./chat";
import { FILES_PER_MESSAGE, objection } from "./files";
import { Failure } from "./hub";
import { Icon } from "./icon";
import type { State } from "./store";
import type { Attachment } from "./types";
import type { Words } from "./words";

interface Chosen {
  file: File;
  stored: Attachment | null;
}

export function Composer({ chat, state, words }: { chat: Chat; state: State; words: Words }) {
  const { settings, language } = state;
  const [text, setText] = useState("");
  const [chosen, setChosen] = useState<Chosen[]>([]);
  const [problem, setProblem] = useState("");
  const field = useRef<HTMLTextAreaElement>(null);
  const picker = useRef<HTMLInputElement>(null);
  const over = text.length - (settings?.text_limit ?? Infinity);
  const uploading = chosen.some(({ stored }) => !stored);
  const ready = (text.trim() || chosen.length > 0) && over <= 0 && !uploading;

  useLayoutEffect(() => {
    if (!field.current) return;
    field.current.style.height = "auto";
    field.current.style.height = `${field.current.scrollHeight}px`;
  }, [text]);

  useEffect(() => chat.typing(!!text.trim()), [chat, text]);

  async function add(files: Iterable<File>) {
    if (!settings) return;
    setProblem("");
    let room = FILES_PER_MESSAGE - chosen.length;
    for (const file of files) {
      const why = room <= 0 ? words.tooMany : objection(file, settings, words, language);
      if (why) {
        setProblem(why);
        continue;
      }
      room -= 1;
      setChosen((before) => [...before, { file, stored: null }]);
      try {
        const stored = await chat.upload(file);
        setChosen((before) => before.map((each) => (each.file === file ? { file, stored } : each)));
      } catch (error) {
        setChosen((before) => before.filter((each) => each.file !== file));
        const reason = error instanceof Failure && error.refused ? error.message : "";
        setProblem(reason ? `${file.name}: ${reason}` : words.uploadOffline(file.name));
      }
    }
  }

  function send() {
    if (!ready) return;
    const stored = chosen.flatMap((each) => each.stored ?? []);
    chat.send(text.trim(), stored);
    setText("");
    setChosen([]);
    setProblem("");
    field.current?.focus();
  }

  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        void add(event.dataTransfer?.files ?? []);
      }}
    >
      {chosen.length > 0 && (
        <ul class="chosen">
          {chosen.map(({ file, stored }) => (
            <li key={file}>
              <Icon name="file" />
              <span>{file.name}</span>
              {!stored && <small role="status">{words.uploading}</small>}
              <button
                type="button"
                class="plain"
                aria-label={`${words.remove}: ${file.name}`}
                onClick={() => setChosen((before) => before.filter((each) => each.file !== file))}
              >
                <Icon name="close" />
              </button>
            </li>
          ))}
        </ul>
      )}
      <p class="error" role="alert">
        {over > 0 ? words.tooLong(over) : problem}
      </p>
      <div class="field">
        <button type="button" class="plain" aria-label={words.attach} onClick={() => picker.current?.click()}>
          <Icon name="clip" />
        </button>
        <input
          ref={picker}
          type="file"
          hidden
          multiple
          accept={settings?.media_types.join(",") ?? ""}
          onChange={(event) => {
            void add([...(event.currentTarget.files ?? [])]);
            event.currentTarget.value = "";
          }}
        />
        <textarea
          ref={field}
          data-focus
          rows={1}
          aria-label={words.write}
          placeholder={words.write}
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
          onPaste={(event) => {
            const files = event.clipboardData?.files;
            if (files?.length) {
              event.preventDefault();
              void add([...files]);
            }
          }}
          onKeyDown={(event) => {
            if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
            event.preventDefault();
            send();
          }}
        />
        <button class="send" aria-label={words.send} disabled={!ready}>
          <Icon name="send" />
        </button>
      </div>
    </form>
  );
}
