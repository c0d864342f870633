export interface Partition { readonly index: number }
