export { colorMaps, type ColorMap } from './color-map';
export { renderHeatMap, type RenderedHeatMap, type RenderHeatMapOptions } from './render-heat-map';
export { renderOverlay, type OverlayFormat, type OverlayOptions } from './render-overlay';
