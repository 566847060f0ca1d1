import type { StoredRecord } from '@papyra/contracts'

/** A record that a consumer holds until it is acknowledged. */
export interface Delivery {
  readonly record: StoredRecord
  /** How often it was delivered, this time included. */
  readonly deliveries: number
  /** The whole name of the consumer that holds it. */
  readonly consumer: string
  /**
   * The same for each delivery of the record, and of no other: deliveries are at least once, so whoever
   * must not do its work twice remembers this.
   */
  readonly key: string
  /**
   * Says that it is handled. Rejects with `not_owner` if somebody else holds it meanwhile, or it was
   * delivered again; with a code `backend_…` if the server cannot be reached: then it is delivered
   * again, to this consumer or another.
   */
  ack(): Promise<void>
}
