// The checkpoints that come with Gramlens, in media/samples.

export const samples = [
  {
    file: 'digits-softmax.safetensors',
    label: 'Softmax ViT',
    detail: 'Handwritten digits, trained with ordinary attention (safetensors)',
  },
  {
    file: 'digits-rpc.pt',
    label: 'RPC-SymViT',
    detail: 'Handwritten digits, trained with RPC-Attention (PyTorch training checkpoint)',
  },
] as const;

/** Input of both. */
export const sampleInput = 'digit-3.npy';

/** What a button takes, without a question; the walkthrough names it too. The command of the palette asks which. */
export const firstSample = samples[0].file;
