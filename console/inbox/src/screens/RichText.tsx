import { ActionIcon } from "@mantine/core";
import Image from "@tiptap/extension-image";
import { EditorContent, useEditor, useEditorState, type Editor } from "@tiptap/react";
import StarterKit from "@tiptap/starter-kit";
import { useRef } from "react";

import { uploadImage } from "../api/knowledge";
import { IconBlockquote, IconBold, IconHeading, IconItalic, IconLink, IconList, IconListNumbers, IconPhoto, type Icon } from "../parts/icons";
import { useText, type PlainKey } from "../text";
import classes from "./Knowledge.module.css";

interface Tool {
  label: PlainKey;
  Sign: Icon;
  is: (editor: Editor) => boolean;
  run: (editor: Editor) => void;
}

const TOOLS: Tool[] = [
  { label: "rich.bold", Sign: IconBold, is: (e) => e.isActive("bold"), run: (e) => e.chain().focus().toggleBold().run() },
  { label: "rich.italic", Sign: IconItalic, is: (e) => e.isActive("italic"), run: (e) => e.chain().focus().toggleItalic().run() },
  { label: "rich.heading", Sign: IconHeading, is: (e) => e.isActive("heading"), run: (e) => e.chain().focus().toggleHeading({ level: 2 }).run() },
  { label: "rich.bullets", Sign: IconList, is: (e) => e.isActive("bulletList"), run: (e) => e.chain().focus().toggleBulletList().run() },
  { label: "rich.numbers", Sign: IconListNumbers, is: (e) => e.isActive("orderedList"), run: (e) => e.chain().focus().toggleOrderedList().run() },
  { label: "rich.quote", Sign: IconBlockquote, is: (e) => e.isActive("blockquote"), run: (e) => e.chain().focus().toggleBlockquote().run() },
];

interface RichTextProps {
  html: string;
  label: string;
  lang: string;
  editable: boolean;
  onChange: (html: string, text: string) => void;
  onProblem: (error: unknown) => void;
}

/** An editor whose HTML the hub cleans again. */
export function RichText({ html, label, lang, editable, onChange, onProblem }: RichTextProps) {
  const { t } = useText();
  const file = useRef<HTMLInputElement>(null);
  const editor = useEditor({
    extensions: [
      StarterKit.configure({ heading: { levels: [2, 3, 4] }, link: { openOnClick: false, protocols: ["http", "https", "mailto", "tel"] } }),
      Image,
    ],
    content: html,
    editable,
    injectCSS: false,
    editorProps: { attributes: { role: "textbox", "aria-multiline": "true", "aria-label": label, lang } },
    onUpdate: ({ editor: now }) => {
      onChange(now.getHTML(), now.getText());
    },
  });
  const active = useEditorState({ editor, selector: ({ editor: now }) => TOOLS.map((tool) => tool.is(now)) });

  async function insert(chosen: File | undefined) {
    if (!chosen) return;
    const alt = window.prompt(t("rich.alt")) ?? "";
    try {
      editor.chain().focus().setImage({ src: await uploadImage(chosen), alt }).run();
    } catch (error) {
      onProblem(error);
    }
  }

  function link() {
    const before = editor.getAttributes("link").href as string | undefined;
    const href = window.prompt(t("rich.address"), before ?? "https://");
    if (href === null) return;
    const chain = editor.chain().focus().extendMarkRange("link");
    if (href.trim()) chain.setLink({ href: href.trim() }).run();
    else chain.unsetLink().run();
  }

  return (
    <div className={classes.writing}>
      {editable && (
        <div role="toolbar" aria-label={t("rich.tools")} className={classes.tools}>
          {TOOLS.map((tool, place) => (
            <ActionIcon
              key={tool.label}
              size="lg"
              variant={active[place] ? "filled" : "subtle"}
              color={active[place] ? "teal" : "gray"}
              aria-label={t(tool.label)}
              aria-pressed={active[place]}
              title={t(tool.label)}
              onClick={() => {
                tool.run(editor);
              }}
            >
              <tool.Sign size={18} aria-hidden />
            </ActionIcon>
          ))}
          <ActionIcon size="lg" variant="subtle" color="gray" aria-label={t("rich.link")} title={t("rich.link")} onClick={link}>
            <IconLink size={18} aria-hidden />
          </ActionIcon>
          <ActionIcon size="lg" variant="subtle" color="gray" aria-label={t("rich.image")} title={t("rich.image")} onClick={() => file.current?.click()}>
            <IconPhoto size={18} aria-hidden />
          </ActionIcon>
          <input
            ref={file}
            type="file"
            accept="image/png,image/jpeg,image/gif,image/webp"
            hidden
            onChange={(event) => {
              void insert(event.currentTarget.files?.[0]);
              event.currentTarget.value = "";
            }}
          />
        </div>
      )}
      <EditorContent editor={editor} />
    </div>
  );
}
