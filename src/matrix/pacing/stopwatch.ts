/** How time passes, for pauses: somebody may set the clock back, and nobody is to wait for it to come round again. */
export interface Stopwatch {
  /** Milliseconds since some moment. */
  elapsed(): number;
}
