// What the suite inside the extension host may ask of the outside, where the browser is driven. One interface;
// outer.ts (inside) and outerServer.ts (outside) both follow from it.

/** A place on the screen. `inside` is a selector that only the wanted webview holds; without it, the workbench page itself. */
export interface Place {
  inside?: string;
  selector: string;
  /** How long to wait for it, default 15 s. */
  timeoutMs?: number;
}

export interface PlannedTest {
  id: number;
  /** Names from the outermost `describe` to the test. */
  path: string[];
  timeoutMs: number;
}

export interface TestOutcome {
  /** Null for a hook. */
  id: number | null;
  title: string;
  state: 'passed' | 'failed' | 'skipped';
  error?: { message: string; stack?: string };
}

export interface PageProblem {
  kind: 'console' | 'exception';
  text: string;
  url: string;
}

/** Name -> parameters and result; everything passes as JSON. */
export interface OuterCalls {
  /** The suite's tests, before any runs; answers which of them to run. */
  plan: { params: PlannedTest[]; result: number[] };
  outcome: { params: TestOutcome; result: null };
  /** A line for the person who watches the run (a measured time, a number). */
  note: { params: string; result: null };

  /** Writes out/screenshots/<name>.png of the window, or of one element; answers the file's path. */
  screenshot: { params: { name: string; place?: Place }; result: string };
  click: {
    params: Place & { button?: 'left' | 'right'; count?: number; position?: { x: number; y: number } };
    result: null;
  };
  hover: { params: Place & { position?: { x: number; y: number } }; result: null };
  /** Presses a key (`Enter`, `Control+Shift+P`) in an element, or where the focus is. */
  press: { params: { key: string; place?: Place }; result: null };
  /** Types text where the focus is. */
  type: { params: string; result: null };
  /** Chooses the option of a `select`, or fills an input. */
  fill: { params: Place & { value: string }; result: null };
  waitFor: { params: Place & { state?: 'visible' | 'attached' | 'hidden' | 'detached' }; result: null };
  text: { params: Place; result: string };
  attribute: { params: Place & { name: string }; result: string | null };
  count: { params: Place; result: number };
  /** Runs a function's text in a frame with one argument; answers what it returns (awaited). */
  evaluate: { params: { inside?: string; source: string; argument?: unknown; timeoutMs?: number }; result: unknown };
  /** Addresses and visibility of all frames, for finding out why a place is not found. */
  frames: { params: null; result: { url: string; visible: boolean; title: string }[] };
  /** Console errors and uncaught exceptions of the page and its webviews so far. */
  problems: { params: null; result: PageProblem[] };
  /** Window size in CSS pixels. */
  resize: { params: { width: number; height: number }; result: null };
}

export type OuterCall = keyof OuterCalls;

/** Environment variables that tell the suite where the outside listens, and where the repository is. */
export const outerAddressVariable = 'GRAMLENS_OUTER';
export const rootVariable = 'GRAMLENS_ROOT';
