/** Annotations by which scheduler, volume controller and provisioners agree; on claims unless it says otherwise. */

/** Claim and volume name each other, and that was written down on both sides. */
export const BIND_COMPLETED = 'pv.kubernetes.io/bind-completed';
/** On claims and volumes: the controller chose the other side, not a person. */
export const BOUND_BY_CONTROLLER = 'pv.kubernetes.io/bound-by-controller';
/** Set by the scheduler when it has found a node for the first pod of a claim. */
export const SELECTED_NODE = 'volume.kubernetes.io/selected-node';
/** Who is to make the volume. */
export const STORAGE_PROVISIONER = 'volume.kubernetes.io/storage-provisioner';
/** What older provisioners read instead of {@link STORAGE_PROVISIONER}. */
export const BETA_STORAGE_PROVISIONER = 'volume.beta.kubernetes.io/storage-provisioner';
/** On volumes: who made it, and has to delete it. */
export const PROVISIONED_BY = 'pv.kubernetes.io/provisioned-by';

/** The provisioner of classes that have only volumes which somebody made beforehand. */
export const NO_PROVISIONER = 'kubernetes.io/no-provisioner';
