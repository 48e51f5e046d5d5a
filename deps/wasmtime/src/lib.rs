//! Wasmtime's core C API, and the four things that Wasmtime has and its C API lacks: an engine
//! constructor that reports failure, a resource limiter that calls back, the pagemap scan of the
//! pooling allocator, and modules that run where they lie. No logic: each function hands its
//! arguments on.
//! Their C declarations are in `src/engine/private.h`.
pub use wasmtime_c_api::*;

use std::ffi::{c_int, c_void};
use std::ptr::NonNull;
use std::sync::Arc;
use wasmtime_c_api::wasmtime::{
    Config, CustomCodeMemory, Enabled, Engine, Error, Module, PoolingAllocationConfig,
    ResourceLimiter, Result, Store,
};

/// `wasm_engine_new_with_config` aborts the process when the configuration cannot be had (no address
/// space for the pool, say); this returns the error.
///
/// # Safety
/// `out` is valid for a write.
#[no_mangle]
pub unsafe extern "C" fn tenon_engine_new(
    config: Box<wasm_config_t>,
    out: *mut Box<wasm_engine_t>,
) -> Option<Box<wasmtime_error_t>> {
    // wasm_config_t and wasm_engine_t are repr(C) structs of exactly this one field.
    let config = &*(&*config as *const wasm_config_t).cast::<Config>();
    match Engine::new(config) {
        Ok(engine) => {
            let engine = Box::into_raw(Box::new(engine)).cast::<wasm_engine_t>();
            out.write(Box::from_raw(engine));
            None
        }
        Err(error) => Some(Box::new(error.into())),
    }
}

/// # Safety
/// As for the C API's own setters.
#[no_mangle]
pub unsafe extern "C" fn tenon_pooling_pagemap_scan(
    pool: &mut wasmtime_pooling_allocation_config_t,
) {
    // A repr(C) struct of exactly this one field.
    let pool =
        &mut *(pool as *mut wasmtime_pooling_allocation_config_t).cast::<PoolingAllocationConfig>();
    pool.pagemap_scan(Enabled::Auto);
}

/// Asked before a memory (bytes) or table (elements) is made or grows: 0 refuses (the instruction returns
/// -1), 1 allows, anything else ends the guest.
type Growing = unsafe extern "C" fn(data: *mut c_void, desired: usize, maximum: usize) -> u8;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct tenon_limiter_t {
    data: *mut c_void,
    memory_growing: Growing,
    table_growing: Growing,
    instances: usize,
    tables: usize,
    memories: usize,
}

unsafe impl Send for tenon_limiter_t {}
unsafe impl Sync for tenon_limiter_t {}

fn answer(code: u8) -> Result<bool> {
    match code {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Error::msg("growth beyond a limit")),
    }
}

impl ResourceLimiter for tenon_limiter_t {
    fn memory_growing(
        &mut self,
        _current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool> {
        answer(unsafe { (self.memory_growing)(self.data, desired, maximum.unwrap_or(usize::MAX)) })
    }
    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool> {
        answer(unsafe { (self.table_growing)(self.data, desired, maximum.unwrap_or(usize::MAX)) })
    }
    fn instances(&self) -> usize {
        self.instances
    }
    fn tables(&self) -> usize {
        self.tables
    }
    fn memories(&self) -> usize {
        self.memories
    }
}

/// Like `wasmtime_store_limiter`, with callbacks.
///
/// # Safety
/// `data` outlives the store.
#[no_mangle]
pub unsafe extern "C" fn tenon_store_limiter(
    store: &mut wasmtime_store_t,
    limiter: &tenon_limiter_t,
) {
    // A repr(C) struct of exactly this one field.
    let store = &mut *(store as *mut wasmtime_store_t).cast::<Store<WasmtimeStoreData>>();
    let mut limiter = OwnedLimiter(Box::into_raw(Box::new(*limiter)));
    store.limiter(move |_| limiter.get());
}

/// The closure must hand out a reference that outlives its own borrow, hence the raw pointer.
struct OwnedLimiter(*mut tenon_limiter_t);

unsafe impl Send for OwnedLimiter {}
unsafe impl Sync for OwnedLimiter {}

impl OwnedLimiter {
    fn get<'a>(&mut self) -> &'a mut dyn ResourceLimiter {
        unsafe { &mut *self.0 }
    }
}

impl Drop for OwnedLimiter {
    fn drop(&mut self) {
        drop(unsafe { Box::from_raw(self.0) });
    }
}

/// What Wasmtime itself does to make code executable, but for memory that is not its own as well.
struct CodeInPlace;

extern "C" {
    fn mprotect(address: *mut c_void, length: usize, protection: c_int) -> c_int;
}
const PROT_READ: c_int = 1;
const PROT_EXEC: c_int = 4;

impl CustomCodeMemory for CodeInPlace {
    fn required_alignment(&self) -> usize {
        4096
    }
    fn publish_executable(&self, ptr: *const u8, len: usize) -> Result<()> {
        unsafe {
            wasmtime_internal_jit_icache_coherence::clear_cache(ptr.cast(), len)?;
            if mprotect(ptr.cast_mut().cast(), len, PROT_READ | PROT_EXEC) != 0 {
                return Err(std::io::Error::last_os_error().into());
            }
        }
        wasmtime_internal_jit_icache_coherence::pipeline_flush_mt()?;
        Ok(())
    }
    /// Nothing runs there any more, and whoever owns the memory is about to unmap it.
    fn unpublish_executable(&self, _ptr: *const u8, _len: usize) -> Result<()> {
        Ok(())
    }
}

/// An engine made from this takes `tenon_module_load_in_place`.
#[no_mangle]
pub extern "C" fn tenon_config_code_in_place(config: &mut wasm_config_t) {
    // A repr(C) struct of exactly this one field.
    let config = unsafe { &mut *(config as *mut wasm_config_t).cast::<Config>() };
    config.with_custom_code_memory(Some(Arc::new(CodeInPlace)));
}

/// Like `wasmtime_module_deserialize`, without a copy.
///
/// # Safety
/// The bytes are what `wasmtime_module_serialize` made, start at the boundary of a page, may be made
/// executable, and neither change nor go away before the module has gone.
#[no_mangle]
pub unsafe extern "C" fn tenon_module_load_in_place(
    engine: &wasm_engine_t,
    bytes: NonNull<u8>,
    size: usize,
    out: *mut Box<wasmtime_module_t>,
) -> Option<Box<wasmtime_error_t>> {
    const { assert!(size_of::<wasmtime_module_t>() == size_of::<Module>()) };
    // Both are structs of exactly one field.
    let engine = &*(engine as *const wasm_engine_t).cast::<Engine>();
    match Module::deserialize_raw(engine, NonNull::slice_from_raw_parts(bytes, size)) {
        Ok(module) => {
            let module = Box::into_raw(Box::new(module)).cast::<wasmtime_module_t>();
            out.write(Box::from_raw(module));
            None
        }
        Err(error) => Some(Box::new(error.into())),
    }
}
