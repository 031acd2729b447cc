// The worked example on both implementations of the head kernels.

import { createCpuKernels } from '../../../src/engine/cpu/kernels';
import { createReferenceKernels } from '../../../src/engine/reference/kernels';
import { describeWorkedExample } from './workedExample';

describeWorkedExample('reference', () => Promise.resolve(createReferenceKernels()));
describeWorkedExample('wasm', createCpuKernels);
