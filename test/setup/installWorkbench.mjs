// Installs the workbench unless it is there: a process of its own for test/run.mjs, which runs other tests meanwhile.
import { installWorkbench } from './workbench.mjs';

installWorkbench();
