import eslint from "@eslint/js";
import tseslint from "typescript-eslint";

const onlyComponents =
  "Only components/ and index.ts may import @pulumi/*: everything else stays testable without an engine.";

/** The import rules of the layout; test/architecture.test.ts checks the same edges on the graph. */
function forbid(files, patterns) {
  return { files, rules: { "no-restricted-imports": ["error", { patterns }] } };
}

export default tseslint.config(
  { ignores: [".setup/", "dist/", "node_modules/", "coverage/"] },
  eslint.configs.recommended,
  {
    files: ["**/*.ts"],
    extends: [...tseslint.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/switch-exhaustiveness-check": "error",
      "@typescript-eslint/consistent-type-imports": "error",
      eqeqeq: "error",
      "no-console": "error",
    },
  },
  {
    files: ["scripts/**/*.ts", "test/**/*.ts"],
    rules: { "no-console": "off" },
  },
  forbid(
    ["mesh/**/*.ts"],
    [
      { group: ["@pulumi/*"], message: onlyComponents },
      { group: ["node:*", "fs", "path", "crypto"], message: "mesh/ is pure: no Node built-ins." },
      { regex: "\\.\\./(components|scripts|test)/", message: "mesh/ imports nothing above it." },
    ],
  ),
  forbid(
    ["scripts/**/*.ts"],
    [
      { group: ["@pulumi/*"], message: onlyComponents },
      { regex: "\\.\\./components/", message: "scripts/ never imports components/." },
    ],
  ),
  {
    files: ["**/*.mjs"],
    languageOptions: { globals: { process: "readonly", console: "readonly", URL: "readonly" } },
  },
  {
    files: ["**/*.cjs"],
    languageOptions: {
      sourceType: "commonjs",
      globals: {
        module: "writable",
        process: "readonly",
        require: "readonly",
        __dirname: "readonly",
      },
    },
  },
);
