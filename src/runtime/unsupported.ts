/** A chart uses something that the runtime does not support. Refused, never ignored: the chart must be changed. */
export class UnsupportedChart extends Error {
  override readonly name = "UnsupportedChart";
  readonly machine: string;
  /** The state node's id, or the event that was being handled. */
  readonly where: string;
  readonly feature: string;

  constructor(machine: string, where: string, feature: string, options?: ErrorOptions) {
    super(`chart "${machine}", ${where}: ${feature}`, options);
    this.machine = machine;
    this.where = where;
    this.feature = feature;
  }
}
