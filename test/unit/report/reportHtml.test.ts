import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'mocha';
import { formatNumber } from '../../../src/report/format';
import { selectHeads } from '../../../src/report/headSelection';
import { twinRule } from '../../../src/model/twinRule';
import { reportHtml } from '../../../src/report/reportHtml';
import { reportScript } from '../../../src/report/reportScript';
import { exampleDetail, exampleResult } from './exampleResult';
import { assertValidHtml } from './validHtml';

/** Issue: a report of 32 x 32 heads stays below this. */
const maxBytes = 10e6;

describe('report HTML', () => {
  const result = exampleResult({ layers: 2, heads: 2 });
  const picture = { width: 2, height: 2, rgba: new Uint8ClampedArray(16).fill(128) };
  const html = reportHtml(result, (layer, head) => exampleDetail(result, layer, head), { picture });

  it('is one valid file that needs no network, citations aside, and runs no script but its own', async () => {
    assert.ok(html.startsWith('<!DOCTYPE html>\n<html lang="en">'));
    await assertValidHtml(html);
    assert.ok(html.split('<').length > 1000);
    const scripts = [...html.matchAll(/<script[^>]*>(.*?)<\/script>/gs)];
    assert.deepEqual(
      scripts.map(([, text]) => text),
      [reportScript],
    );
    const hash = createHash('sha256').update(reportScript).digest('base64');
    assert.ok(html.includes(`style-src 'unsafe-inline'; script-src 'sha256-${hash}'">`), `sha256-${hash}`);
    assert.doesNotMatch(html.replace(reportScript, ''), /<link|<iframe|@import|javascript:| on[a-z]+="/);
    for (const [, name, target = ''] of html.matchAll(/(src|href)="([^"]*)"/g)) {
      const allowed =
        /^data:image\/png;base64,|^#formula-\d+$/.test(target) ||
        (name === 'href' && /^https:\/\/arxiv\.org\/abs\/\d{4}\.\d{5}$/.test(target));
      assert.ok(allowed, `${name ?? ''} ${target.slice(0, 80)}`);
    }
    assert.doesNotMatch(html.replace(/data:image[^"]*/g, '').replace(reportScript, ''), /NaN|undefined|\[object/);
  });

  it('links each head to the editor where the inspection has a name', async () => {
    const text = reportHtml(result, () => null, { inspection: '0123456789abcdef' });
    const links = [...text.matchAll(/<h3>([^<]*?) <a class="editor" href="([^"]*)">Open in the editor<\/a><\/h3>/g)];
    assert.equal(links.length, 4);
    assert.deepEqual(
      [links[3]![1], links[3]![2]],
      ['Layer 1, head 1', 'vscode://gramlens.gramlens/head?inspection=0123456789abcdef&amp;layer=1&amp;head=1'],
    );
    await assertValidHtml(text);
    assert.doesNotMatch(html, /vscode:/);
  });

  it('has model, provenance, method with both papers, cautions, tables, figures, citation', () => {
    for (const part of [
      '>Model<',
      '>Provenance<',
      '>Method<',
      '>Cautions<',
      '>How to cite<',
      'arXiv 2406.13762',
      'arXiv 2505.07908',
      result.provenance.checkpoint.sha256!,
      'variant code',
      'no WebGPU adapter in this machine',
      'untrained twin not run',
      'what-if',
      'id="head-1-1"',
      'alt="Input as the network sees it"',
    ]) {
      assert.ok(html.includes(part), part);
    }
    for (const link of html.matchAll(/href="#(formula-\d+)"/g)) assert.ok(html.includes(`id="${link[1]!}"`), link[1]);
    const head = result.layers[1]!.heads[0]!;
    assert.ok(html.includes(`<td>${formatNumber(head.alignment.theory.overlap)}</td>`));
  });

  it('gives every section and figure an address of its own', () => {
    const ids = [...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id!);
    assert.equal(new Set(ids).size, ids.length);
    assert.equal([...html.matchAll(/<figure(?: id="[^"]+")?>/g)].length, [...html.matchAll(/<figure id=/g)].length);
    for (const id of ['heads-in-detail', 'how-to-cite', 'layer-1-head-0-spectrum', 'overview-alignment.theory.overlap'])
      assert.ok(ids.includes(id), id);
  });

  it('says with what it can be run again, where the result has it', () => {
    const provenance = {
      ...result.provenance,
      twins: 20,
      nativeRpc: { variant: 'code' as const, iterations: 7, lambda: 3, layers: [0, 2] },
      noise: { kinds: ['token_drop' as const], levels: { token_drop: [0.25, 0.5] }, repeats: 8 },
      overrides: { heads: '4', state: 'model_ema' },
    };
    const facts = (of: object): string => {
      const text = reportHtml({ ...result, provenance: of as typeof provenance }, () => null);
      return text.slice(text.indexOf('<h2>Provenance'), text.indexOf('<h2>Summary'));
    };
    const text = facts(provenance);
    for (const part of [
      '<td class="words">20</td>',
      'variant code, 7 iterations, lambda 3, layers 0, 2<',
      'token_drop (0.25, 0.5); 8 repeats',
      'heads=4, state=model_ema',
    ]) {
      assert.ok(text.includes(part), part);
    }
    const later = ['twins', 'nativeRpc', 'noise', 'overrides'];
    const earlier = Object.fromEntries(Object.entries(provenance).filter(([name]) => !later.includes(name)));
    assert.doesNotMatch(facts(earlier), /Untrained twins|trained with<|Noise<|Facts set/);
  });

  it('says at which scale untrained twins are drawn', () => {
    assert.match(html, /untrained twins \(weights drawn anew at the family's own initialisation scale/);
    const [first] = result.layers[0]!.heads;
    const { theory } = first!.alignment;
    const alignment = {
      ...first!.alignment,
      theory: { ...theory, nulls: { ...theory.nulls, untrained: theory.nulls.random } },
    };
    const twins = { ...result, layers: [{ index: 0, heads: [{ ...first!, alignment }] }] };
    assert.match(
      reportHtml(twins, () => null),
      /weights merely have another scale can differ from them without having learned anything/,
    );
  });

  it('says where untrained twins are drawn by a generic rule', () => {
    const [first] = result.layers[0]!.heads;
    const { theory } = first!.alignment;
    const nulls = { ...theory.nulls, untrained: theory.nulls.random };
    const alignment = { ...first!.alignment, theory: { ...theory, nulls } };
    const of = (family: 'mapped' | 'gpt2' | 'timm-vit'): string => {
      const provenance = { ...result.provenance, twinInitialisation: twinRule(family) };
      return reportHtml(
        { ...result, provenance, layers: [{ index: 0, heads: [{ ...first!, alignment }] }] },
        () => null,
      );
    };
    assert.match(of('mapped'), /generic rule here, not as the family begins: nobody knows how a network/);
    assert.match(of('gpt2'), /as GPT-2: .*both output projections of a block N\(0, 0\.02\/sqrt\(2 layers\)\)/);
    assert.doesNotMatch(of('gpt2'), /generic/);
    assert.match(of('timm-vit'), /weights N\(0, 0\.02\), biases 0/);
    assert.doesNotMatch(of('timm-vit'), /generic/);
  });

  it('has the same bytes every time', () => {
    assert.equal(
      reportHtml(result, (layer, head) => exampleDetail(result, layer, head), { picture }),
      html,
    );
  });

  it('escapes hostile names', async () => {
    const bad = '</title><script>alert(1)</script>"\'&\u0000.pt';
    const hostile = exampleResult({ layers: 1, heads: 1, name: bad });
    const inputs = [{ kind: bad, label: bad, sha256: bad, tokens: 1 }];
    const spoiled = {
      ...hostile,
      provenance: {
        ...hostile.provenance,
        inputs,
        adapter: bad,
        backendReason: bad,
        rpc: { ...hostile.provenance.rpc, variant: bad },
      },
      model: { ...hostile.model, notes: [bad], facts: [{ fact: bad, value: bad, source: bad }] },
      output: { kind: 'logits' as const, logitsTop: [{ index: 0, label: bad, logit: 1 }] },
    };
    const text = reportHtml(spoiled, () => null);
    assert.equal(text.split('<script').length, 2, 'its own script only');
    assert.ok(!text.includes('</title><') && !text.includes('\u0000'));
    assert.ok(text.includes('&lt;script&gt;alert(1)&lt;/script&gt;'));
    await assertValidHtml(text);
  });

  it('shows the extremes of a big model, lists every head and stays small', function () {
    this.timeout(20000);
    const big = exampleResult({ layers: 32, heads: 32, tokens: 197, headDim: 64 });
    const text = reportHtml(big, (layer, head) => exampleDetail(big, layer, head));
    const byteLength = Buffer.byteLength(text);
    assert.ok(byteLength < maxBytes, `${byteLength} bytes`);
    const selected = selectHeads(big, 24);
    assert.ok(selected.length > 4 && selected.length <= 24);
    assert.equal([...text.matchAll(/<section class="head"/g)].length, selected.length);
    assert.ok(text.includes('Appendix: all heads') && text.includes('Shown because it has the highest'));
    const top = Math.max(
      ...big.layers.flatMap((layer) => layer.heads.map((head) => head.alignment.theory.overlap ?? 0)),
    );
    assert.ok(selected.some((one) => one.head.alignment.theory.overlap === top));
  });
});
