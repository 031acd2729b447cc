// Bounds on what is kept of an ONNX graph. They guard memory against crafted files; real exports stay far below.

/** Fields we walk through in all. Exports of the largest language models have under a million. */
export const maxFields = 4_000_000;
/** Bytes of a name. Exporters put whole module paths into names: up to some hundreds. */
export const maxNameBytes = 4096;
/** Bytes of all names, texts and keys together. An export of 20,000 nodes has 4 MB. */
export const maxTextBytes = 32 * 1024 * 1024;
/** Nodes, those of subgraphs included. The largest exports we know have 50,000. */
export const maxNodes = 100_000;
/** Inputs, outputs and attributes of all nodes together. */
export const maxNodeParts = 1_000_000;
/** Initializers and constants. An export of 20,000 nodes has 5,000. */
export const maxTensors = 65_536;
/** Inputs, outputs and value_info of the graph. */
export const maxValueInfos = 150_000;
/** Graphs in graphs: a loop in a branch in a loop has 3. */
export const maxGraphDepth = 16;
/** Numbers or texts of one attribute that are kept; longer lists are named and passed over. */
export const maxAttributeValues = 4096;
/** Bytes of an attribute's text that are kept. */
export const maxAttributeTextBytes = 64 * 1024;
/** Bytes of an initializer whose values are kept with the graph: shapes, axes and scales have 64 at most. */
export const maxInitializerValueBytes = 512;
/** Numbers of all attributes together. */
export const maxKeptValues = 2_000_000;
/** Fields of the model beside the graph, operator sets, functions and metadata pairs. */
export const maxHeaderFields = 4096;
